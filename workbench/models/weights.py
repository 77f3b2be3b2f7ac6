"""Loading weights: the workbench's own, and those that other code released.

A file is read without running code from it. Every key is accounted for, or the file is refused.
"""

import argparse
import logging
import pickle
import re
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from workbench.errors import InputError, first_line
from workbench.models.components.base import Component
from workbench.models.formats import convert
from workbench.models.formats.looks import looks_like
from workbench.models.layout import layout
from workbench.models.network import Network
from workbench.models.networks import classifiers
from workbench.models.spec import spec
from workbench.models.tensor_file import read_tensors
from workbench.models.zoo import ZOO

log = logging.getLogger(__name__)

State = Mapping[str, Tensor]
WRAPPERS = ("model", "state_dict")  # keys under which training code saves a state dict
EMA_WRAPPERS = ("model_ema", "state_dict_ema")
CHECKPOINT = "workbench"  # what our own checkpoints say of their run is under this key
# Where they have the network: averaged by timm, averaged by an earlier version, as it was trained.
AVERAGED = ("average.module.", "average.network.")
TRAINED = "network."


def load_weights(
    model: Network, source: str | Path | State, *, new_head: bool = False, ema: bool = False
) -> None:
    """Loads weights into `model`, in place; strict.

    `source` is a file or a state dict, under the workbench's names or those of a known release
    (the authors' CMT, timm's); a dictionary with `model` is unwrapped, with `ema` the averaged
    weights in it are taken. Of a run's own checkpoint, last.ckpt, those are taken that its score is
    of. Position tables of another resolution are resized (bicubic) and named in the log. Another
    number of classes is refused unless `new_head`, which leaves the classifier of `model` as it is.
    Raises `InputError` for anything else that does not fit; `model` is then as it was.
    """
    origin = str(source) if isinstance(source, str | Path) else "state dict"
    state = read(Path(source)) if isinstance(source, str | Path) else source
    state = convert(unwrap(state, origin, ema), model.spec, origin)
    own = model.state_dict()
    _check_names(own, state, origin, model.spec.name)
    fitted: dict[str, Tensor] = {}
    for name, tensor in state.items():
        fit = _fit(model, name, tensor, own[name], new_head)
        if fit is None:
            what = _looks(state, own, model.spec.name) or "does not fit"
            hint = "; new_head=True keeps the model's own" if _is_classifier(model, name) else ""
            raise InputError(
                f"{origin!r} {what}: {name} is {[*tensor.shape]}, "
                f"the model has {[*own[name].shape]}{hint}",
                key="weights",
            )
        if own[name].is_floating_point() != fit.is_floating_point():
            raise InputError(
                f"{origin!r} is refused: {name} has numbers of type {_type(fit)}, "
                f"the model has {_type(own[name])}",
                key="weights",
            )
        fitted[name] = fit
    model.load_state_dict(fitted)


def load_file(network: nn.Module, path: Path, name: str, *, new_head: bool = False) -> None:
    """Loads a file into a network of ours, as `load_weights` does, or of timm's, called `name`."""
    if isinstance(network, Network):
        load_weights(network, path, new_head=new_head)
    else:
        _load_timm(network, path, name, new_head)


def _load_timm(network: nn.Module, path: Path, name: str, new_head: bool) -> None:
    """As `load_weights`, for the same keys and shapes alone."""
    state, own = dict(unwrap(read(path), str(path))), network.state_dict()
    heads = classifiers(network) if new_head else ()
    for key in [key for key in own if key.rpartition(".")[0] in heads]:
        if key in state and state[key].shape != own[key].shape:
            log.info("%s: left as it is, for the file has %s classes", key, state[key].shape[0])
            state[key] = own[key]
    odd = [key for key in own if key not in state or state[key].shape != own[key].shape]
    odd += [key for key in state if key not in own]
    if odd:
        shapes = [[*each[odd[0]].shape] if odd[0] in each else "missing" for each in (state, own)]
        more = f", and {len(odd) - 1} more differ" if len(odd) > 1 else ""
        raise InputError(
            f"{str(path)!r} does not fit {name}: {odd[0]!r} is {shapes[0]} in the file and "
            f"{shapes[1]} in the network{more}",
            key="weights",
        )
    network.load_state_dict(state)


def _type(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def trained_weights(state: State) -> dict[str, Tensor]:
    """The network's weights in a run's checkpoint: the averaged ones where there are any."""
    for prefix in (*AVERAGED, TRAINED):
        found = {key.removeprefix(prefix): state[key] for key in state if key.startswith(prefix)}
        if found:
            return found
    return {}


def intact(path: Path) -> bool:
    """Whether the zip file at `path` has the bytes that its CRC-32 checksums were made of.

    torch writes these and does not look at them. Not everybody has torch write them, hence only
    files of our own are to be asked.
    """
    try:
        with zipfile.ZipFile(path) as file:
            return file.testzip() is None
    except Exception:  # the reader raises whatever the damaged bytes lead it to
        return False


def read(path: Path) -> State:
    """The contents of a checkpoint file, without running code from it."""
    if path.suffix == ".safetensors":
        return read_tensors(path)[0]
    try:
        # the authors' training code saves its arguments, too, which are no code
        harmless = torch.serialization.safe_globals([argparse.Namespace])
        with warnings.catch_warnings(), harmless:
            warnings.simplefilter("ignore")  # on its pickle protocol; what matters is raised
            content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise InputError(f"{str(path)!r} does not exist", key="weights") from None
    except pickle.UnpicklingError as error:
        raise InputError(f"{str(path)!r} is refused: {_why(error)}", key="weights") from None
    except Exception as error:  # the reader raises whatever the damaged bytes lead it to
        reason = _clip(first_line(error))
        raise InputError(
            f"{str(path)!r} can't be read, it is truncated or no checkpoint ({reason})",
            key="weights",
        ) from None
    if not isinstance(content, Mapping):
        raise InputError(
            f"{str(path)!r} holds a {type(content).__name__}, no state dict", key="weights"
        )
    if CHECKPOINT in content and not intact(path):
        raise InputError(
            f"{str(path)!r} is damaged: its checksums are of other bytes", key="weights"
        )
    return content


def _why(error: pickle.UnpicklingError) -> str:
    """PyTorch's own words, which are many, advise to load the file all the same."""
    found = re.search(r"GLOBAL (\S+)", str(error))
    if found is None:
        return "it is no checkpoint, or holds more than tensors"
    return f"it asks for {found[1]}, which is no tensor, and would run code"


def _clip(text: str) -> str:
    return text if len(text) <= 120 else f"{text[:117]}..."


def unwrap(content: Mapping[str, object], origin: str, ema: bool = False) -> State:
    """The state dict in what training code saved: dense tensors of real numbers alone."""
    inner = content.get("state_dict")
    if CHECKPOINT in content and isinstance(inner, Mapping):
        averaged = any(str(key).startswith(AVERAGED) for key in inner)
        if averaged or not ema:
            return unwrap(trained_weights(inner), origin)
    for key in EMA_WRAPPERS if ema else WRAPPERS:
        inner = content.get(key)
        if isinstance(inner, Mapping):
            return unwrap(inner, origin)
    if ema:
        raise InputError(
            f"{origin!r} holds no averaged weights ({', '.join(EMA_WRAPPERS)})", key="weights"
        )
    content = {str(name).removeprefix("module."): value for name, value in content.items()}
    foreign = [name for name, value in content.items() if not isinstance(value, Tensor)]
    if any(name in content for name in EMA_WRAPPERS):
        raise InputError(
            f"{origin!r} holds averaged weights alone; ema=True takes them", key="weights"
        )
    if foreign or not content:
        what = (
            f"{foreign[0]!r} is a {type(content[foreign[0]]).__name__}"
            if foreign
            else "it is empty"
        )
        raise InputError(f"{origin!r} is no state dict: {what}", key="weights")
    state = {name: value for name, value in content.items() if isinstance(value, Tensor)}
    for name, tensor in state.items():
        odd = _oddity(tensor)
        if odd:
            raise InputError(f"{origin!r} is refused: {name} is {odd}", key="weights")
    return state


def _oddity(tensor: Tensor) -> str | None:
    """What a tensor is that can't be copied into a network, number by number."""
    if tensor.is_meta:
        return "a meta tensor, which has no values"
    if tensor.layout is not torch.strided:
        return f"sparse ({str(tensor.layout).removeprefix('torch.')}), not dense"
    if tensor.is_quantized:
        return f"quantised ({_type(tensor)})"
    return f"complex ({_type(tensor)})" if tensor.is_complex() else None


def _check_names(own: State, given: State, origin: str, name: str) -> None:
    missing = [name for name in own if name not in given]
    extra = [name for name in given if name not in own]
    if not missing and not extra:
        return
    listed = [f"{len(missing)} missing, such as {missing[0]!r}"] if missing else []
    listed += [f"{len(extra)} unknown, such as {extra[0]!r}"] if extra else []
    what = _looks(given, own, name) or "is of another network"
    raise InputError(f"{origin!r} {what}: {'; '.join(listed)}", key="weights")


def _looks(given: State, own: State, name: str) -> str | None:
    """What the file looks like instead of the model `name`: a zoo entry, or other code's."""
    title = looks_like(given, own)
    if title is None and _body(given) != _body(own):
        title = _in_zoo(given)
    return f"looks like {title}, which {name!r} is not" if title else None


def _in_zoo(state: State) -> str | None:
    """The zoo entry, quoted, whose tensors these are."""
    blocks = {m[0] for name in state if (m := re.match(r"stages\.\d+\.blocks\.\d+", name))}
    for name in ZOO:
        plan = layout(spec(name))
        if sum(stage.depth for stage in plan.stages) == len(blocks):
            with torch.device("meta"):
                if _body(Network(plan).state_dict()) == _body(state):
                    return repr(name)
    return None


def _body(state: State) -> dict[str, torch.Size]:
    """The shapes of what neither the classes nor the resolution decide."""
    outside = re.compile(r"head\.|.*\.position\.|.*\.downsample\.table$")
    return {name: tensor.shape for name, tensor in state.items() if not outside.match(name)}


def _fit(model: Network, name: str, tensor: Tensor, own: Tensor, new_head: bool) -> Tensor | None:
    """What becomes `own` in place of `tensor`; None if nothing can."""
    if tensor.shape == own.shape:
        return tensor
    if new_head and _is_classifier(model, name) and tensor.shape[1:] == own.shape[1:]:
        log.info("%s: left as it is, for the file has %s classes", name, tensor.shape[0])
        return own
    resized = _resize(model, name, tensor)
    if resized is None or resized.shape != own.shape:
        return None
    log.info("%s: resized from %s to %s, bicubic", name, [*tensor.shape], [*resized.shape])
    return resized


def _is_classifier(model: Network, name: str) -> bool:
    return name.rpartition(".")[0] in classifiers(model)


def _resize(model: Network, name: str, tensor: Tensor) -> Tensor | None:
    for path, module in model.named_modules():
        own = name.removeprefix(f"{path}.")
        if isinstance(module, Component) and own != name and own in module.tables():
            return module.resized(own, tensor)
    return None
