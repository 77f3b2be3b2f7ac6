"""Safetensors files: written whole or not at all, with facts on the weights and their digest."""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, uint8

from workbench.errors import InputError, shown
from workbench.whole_file import written_whole

FACTS = "workbench"  # the key of a file's metadata under which our facts are, as JSON
MOST = 65536  # as of the classes of a network
DIGEST = "sha256"  # and that of what the tensors were

State = Mapping[str, Tensor]


def write_tensors(path: Path, state: State, facts: Mapping[str, object]) -> None:
    """The tensors and the facts at `path`. Raises `InputError` where that can't be written."""
    whole = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in state.items()}
    metadata = {"format": "pt", FACTS: json.dumps(facts), DIGEST: _digest(whole)}
    try:
        with written_whole(path) as half:
            save_file(whole, half, metadata)
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path} can't be written: {_reason(error)}", key="weights") from None


def read_tensors(path: Path) -> tuple[dict[str, Tensor], Mapping[str, Any]]:
    """The tensors at `path`, and our facts on them: none in a file of other code.

    Raises `InputError`, one line, for a file that is not there, is truncated or damaged.
    """
    try:
        state = load_file(path)
        with safe_open(path, "pt") as file:
            metadata: Mapping[str, str] = file.metadata() or {}
    except FileNotFoundError:
        raise InputError(f"{str(path)!r} does not exist", key="weights") from None
    except (SafetensorError, OSError) as error:
        raise _unreadable(path, error) from None
    if DIGEST in metadata and metadata[DIGEST] != _digest(state):
        raise InputError(f"{str(path)!r} is damaged: its digest is of other bytes", key="weights")
    return state, _facts(path, metadata)


def read_facts(path: Path) -> Mapping[str, Any]:
    """Our facts on the tensors at `path`, without these; none in a file of other code or format.

    Raises `InputError` as `read_tensors` does, but for damage to the tensors.
    """
    if path.suffix != ".safetensors":
        return {}
    try:
        with safe_open(path, "pt") as file:
            return _facts(path, file.metadata() or {})
    except (SafetensorError, OSError) as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: Exception) -> InputError:
    return InputError(
        f"{str(path)!r} can't be read, it is truncated or no checkpoint ({_reason(error)})",
        key="weights",
    )


def _facts(path: Path, metadata: Mapping[str, str]) -> Mapping[str, Any]:
    if FACTS not in metadata:
        return {}
    try:
        facts = json.loads(metadata[FACTS])
    except (ValueError, RecursionError):
        facts = None
    if not isinstance(facts, dict):
        raise InputError(f"{str(path)!r} is damaged: its {FACTS!r} is no mapping", key="weights")
    for key in FORMS.keys() & facts.keys():
        if not FORMS[key](facts[key]):
            text = f"{str(path)!r} is damaged: its {key} is {shown(facts[key])}"
            raise InputError(text, key="weights")
    return facts


def _is_colour(found: object) -> bool:
    """One number, or one for each of red, green and blue."""
    return (
        isinstance(found, list)
        and len(found) in (1, 3)
        and all(isinstance(each, int | float) and abs(each) < MOST for each in found)
    )


FORMS: Mapping[str, Callable[[object], bool]] = {  # of facts that are reckoned with
    "recipe": lambda found: found is None or isinstance(found, dict),
    "task": lambda found: isinstance(found, dict) and isinstance(found.get("name"), str),
    "outputs": lambda found: isinstance(found, int) and 1 <= found <= MOST,
    "class_names": lambda found: found is None or isinstance(found, list),
    "mean": _is_colour,
    "std": _is_colour,
}


def _digest(state: State) -> str:
    """SHA-256 of names, types, shapes and bytes."""
    whole = hashlib.sha256()
    for name in sorted(state):
        tensor = state[name]
        whole.update(f"{name} {tensor.dtype} {[*tensor.shape]}\0".encode())
        whole.update(tensor.reshape(-1).view(uint8).numpy().data)
    return whole.hexdigest()


def _reason(error: Exception) -> str:
    text = (error.strerror if isinstance(error, OSError) else None) or str(error)
    text = " ".join(text.split())
    return text if len(text) <= 120 else f"{text[:117]}..."
