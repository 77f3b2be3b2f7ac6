"""Networks for other runtimes: ONNX, and PyTorch's own exported programs."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from workbench.errors import InputError, first_line, unknown
from workbench.models.components.base import Component
from workbench.models.fuse import fuse
from workbench.models.network import Network
from workbench.whole_file import writing, written_whole

FORMATS = ("onnx", "pt2")

Trial = Callable[[nn.Module, tuple[object, ...]], object]  # fails for what can't be exported


def export(model: Network, path: str | Path, form: str = "", fused: bool = False) -> Path:
    """Writes `model` in eval mode to `path`, for batches of any number of images.

    `form` is `onnx` (opset of the exporter; needs `pip install 'cmt-workbench[export]'`) or `pt2`
    (`torch.export.load` reads it), by default what the name of the file ends in. Images have the
    size of the spec; `fused` folds every BN first that can be. Input `images` (B, channels, R, R),
    output `logits` (B, classes). Raises `InputError` for another form, for a network with a
    component that can't be exported, which it names, and for a file that can't be written.
    """
    target = Path(path)
    chosen = form or target.suffix.removeprefix(".")
    if chosen not in FORMATS:
        raise unknown("format", chosen, FORMATS)
    ready = (fuse(model) if fused else model).eval()
    program = exported(ready)
    if chosen == "onnx":
        _check_onnx()
    with writing(target, "output"), written_whole(target) as half:
        half.touch()  # torch has words of its own for a place that is none
        if chosen == "pt2":
            torch.export.save(program, half)
        else:
            _write_onnx(ready, program, half)
    return target


def exported(model: Network) -> ExportedProgram:
    """The graph of `model` as it stands, over batches of any number of images."""
    images = {0: Dim("batch", min=1)}
    try:
        return torch.export.export(model, (sample(model),), dynamic_shapes=(images,))
    except Exception as error:  # torch has no class of its own for what it can't export
        raise _refusal(model, torch.export.export, error) from error


def sample(model: Network) -> Tensor:
    """Two images of the size of the spec."""
    spec = model.spec
    like = next(model.parameters())
    shape = (2, spec.channels, spec.resolution, spec.resolution)
    return torch.zeros(shape, device=like.device, dtype=like.dtype)


def _refusal(model: Network, trial: Trial, error: Exception) -> InputError:
    """What names the component at fault, and the first of the errors that led to `error`."""
    while isinstance(error.__cause__, Exception):
        error = error.__cause__
    return InputError(
        f"{_culprit(model, trial)} can't be exported: {first_line(error)}", key="export"
    )


def _culprit(model: Network, trial: Trial) -> str:
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
            trial(model.get_submodule(path), given)
        except Exception:
            return f"{path} ({type(model.get_submodule(path)).__name__})"
    return model.spec.name


def _check_onnx() -> None:
    try:
        import onnxscript  # noqa: F401
    except ImportError:
        raise InputError(
            "'onnx' needs what pip install 'cmt-workbench[export]' brings", key="format"
        ) from None


def _write_onnx(model: Network, program: ExportedProgram, target: Path) -> None:
    try:
        torch.onnx.export(
            program,
            f=target,
            input_names=["images"],
            output_names=["logits"],
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    except OSError:
        raise
    except Exception as error:  # an operator that ONNX has not, for one
        raise _refusal(model, _in_onnx, error) from error


def _in_onnx(module: nn.Module, given: tuple[object, ...]) -> object:
    return torch.onnx.export(torch.export.export(module, given), dynamo=True, verbose=False)
