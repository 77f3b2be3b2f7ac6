"""What a foreign format is, and the renaming that formats share."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from workbench.config import Spec
from workbench.errors import InputError

State = Mapping[str, Tensor]
Rules = Sequence[tuple[str, str]]  # pattern of a whole name, replacement


@dataclass(frozen=True, slots=True)
class Format:
    """A release: how to know its state dict, which specs it can be for, how to rename it."""

    title: str
    recognises: Callable[[State], bool]
    fits: Callable[[Spec], bool]
    convert: Callable[[State, str], State]


def rename(state: State, rules: Rules, origin: str) -> dict[str, Tensor]:
    """`state` with each name put through the first rule that matches it whole."""
    compiled = [(re.compile(pattern), replacement) for pattern, replacement in rules]
    renamed: dict[str, Tensor] = {}
    for name, tensor in state.items():
        for pattern, replacement in compiled:
            if pattern.fullmatch(name):
                renamed[pattern.sub(replacement, name)] = tensor
                break
        else:
            raise InputError(f"{origin!r}: the key {name!r} is unknown", key="weights")
    return renamed


def split_qkv(state: State) -> dict[str, Tensor]:
    """Each `.attn.qkv.` as `.attn.q.` and `.attn.kv.`."""
    split: dict[str, Tensor] = {}
    for name, tensor in state.items():
        if ".attn.qkv." in name:
            rows = tensor.shape[0] // 3
            split[name.replace(".qkv.", ".q.")] = tensor[:rows]
            split[name.replace(".qkv.", ".kv.")] = tensor[rows:]
        else:
            split[name] = tensor
    return split


def join_rows(state: State, parts: Sequence[str], whole: str, origin: str) -> dict[str, Tensor]:
    """Tensors whose names differ in `parts` (such as `.k.`, `.v.`), stacked by rows as `whole`."""
    joined = dict(state)
    for first in [name for name in state if parts[0] in name]:
        names = [first.replace(parts[0], part) for part in parts]
        for name in names:
            if name not in state:
                raise InputError(f"{origin!r}: {name!r} is missing beside {first!r}", key="weights")
        joined[first.replace(parts[0], whole)] = torch.cat([joined.pop(name) for name in names])
    return joined
