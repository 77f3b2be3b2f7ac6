"""Where a network runs: a device by name, where it is here."""

import torch

from workbench.errors import InputError


def choose_device(name: str) -> torch.device:
    """`auto` is a GPU where there is one. Raises `InputError` for a device that is not here."""
    present = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "auto":
        return torch.device("cuda", 0) if present else torch.device("cpu")
    choices = ["cpu", *(["cuda"] if present else []), *(f"cuda:{i}" for i in range(present))]
    if name not in choices:
        raise InputError(f"device: {name!r} is not here; choose from: auto, {', '.join(choices)}")
    device = torch.device(name)
    return torch.device("cuda", device.index or 0) if device.type == "cuda" else device
