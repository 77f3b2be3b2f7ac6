"""Networks for other runtimes: ONNX, and PyTorch's own exported programs."""

from pathlib import Path

import torch
from torch import Tensor
from torch.export import Dim, ExportedProgram

from workbench.errors import InputError, first_line, unknown
from workbench.models.components.base import Component
from workbench.models.fuse import fuse
from workbench.models.network import Network

FORMATS = ("onnx", "pt2")


def export(model: Network, path: str | Path, form: str = "", fused: bool = False) -> Path:
    """Writes `model` in eval mode to `path`, for batches of any number of images.

    `form` is `onnx` (opset of the exporter; needs `pip install 'cmt-workbench[export]'`) or `pt2`
    (`torch.export.load` reads it), by default what the name of the file ends in. Images have the
    size of the spec; `fused` folds every BN first that can be. Input `images` (B, channels, R, R),
    output `logits` (B, classes). Raises `InputError` for another form, and for a network with a
    component that can't be exported.
    """
    target = Path(path)
    chosen = form or target.suffix.removeprefix(".")
    if chosen not in FORMATS:
        raise unknown("format", chosen, FORMATS)
    ready = (fuse(model) if fused else model).eval()
    program = exported(ready)
    if chosen == "pt2":
        torch.export.save(program, target)
    else:
        _write_onnx(program, target)
    return target


def exported(model: Network) -> ExportedProgram:
    """The graph of `model` as it stands, over batches of any number of images."""
    images = {0: Dim("batch", min=1)}
    try:
        return torch.export.export(model, (sample(model),), dynamic_shapes=(images,))
    except Exception as error:  # torch has no class of its own for what it can't export
        why = f"{_culprit(model)} can't be exported: {first_line(error)}"
        raise InputError(why, key="export") from error


def sample(model: Network) -> Tensor:
    """Two images of the size of the spec."""
    spec = model.spec
    like = next(model.parameters())
    shape = (2, spec.channels, spec.resolution, spec.resolution)
    return torch.zeros(shape, device=like.device, dtype=like.dtype)


def _culprit(model: Network) -> str:
    """The first component, in the order of the network, that can't be exported by itself."""
    inputs: dict[str, tuple[object, ...]] = {}
    handles = [
        module.register_forward_pre_hook(lambda _, given, path=path: inputs.setdefault(path, given))
        for path, module in model.named_modules()
        if isinstance(module, Component)
    ]
    with torch.no_grad():
        model(sample(model))
    for handle in handles:
        handle.remove()
    for path, given in inputs.items():
        try:
            torch.export.export(model.get_submodule(path), given)
        except Exception:
            return f"{path} ({type(model.get_submodule(path)).__name__})"
    return model.spec.name


def _write_onnx(program: ExportedProgram, target: Path) -> None:
    try:
        import onnxscript  # noqa: F401
    except ImportError:
        raise InputError(
            "'onnx' needs what pip install 'cmt-workbench[export]' brings", key="format"
        ) from None
    torch.onnx.export(
        program,
        f=target,
        input_names=["images"],
        output_names=["logits"],
        dynamo=True,
        external_data=False,
        verbose=False,
    )
