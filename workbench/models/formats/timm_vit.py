"""timm's and the authors' DeiT checkpoints, which share their names."""

import torch

from workbench.config import Spec
from workbench.models.formats.base import Format, State, rename, split_qkv

BLOCK = r"blocks\.(\d+)"
OURS = r"stages.0.blocks.\1"
RULES = (
    (r"cls_token", r"token"),
    (r"dist_token", r"distillation_token"),
    (r"pos_embed", r"stages.0.position.table"),
    (r"patch_embed\.proj\.(.+)", r"stem.conv.\1"),
    (BLOCK + r"\.(norm[12])\.(.+)", OURS + r".\2.\3"),
    (BLOCK + r"\.attn\.(q|kv|proj)\.(.+)", OURS + r".mixer.\2.\3"),
    (BLOCK + r"\.mlp\.fc1\.(.+)", OURS + r".ffn.expand.\2"),
    (BLOCK + r"\.mlp\.fc2\.(.+)", OURS + r".ffn.project.\2"),
    (r"norm\.(.+)", r"head.norm.\1"),
    (r"head\.(.+)", r"head.linear.\1"),
    (r"head_dist\.(.+)", r"head.distilled.\1"),
)


def _recognises(state: State) -> bool:
    return (
        "blocks.0.attn.qkv.weight" in state and "cls_token" in state and "dist_token" not in state
    )


def _recognises_distilled(state: State) -> bool:
    return "blocks.0.attn.qkv.weight" in state and "dist_token" in state


def _fits(spec: Spec) -> bool:
    return spec.head.name == "class_token" and spec.stem.name == "patchify"


def _fits_distilled(spec: Spec) -> bool:
    return spec.head.name == "distilled_tokens" and spec.stem.name == "patchify"


def _convert(state: State, origin: str) -> State:
    renamed = rename(split_qkv(state), RULES, origin)
    tokens = [renamed.pop(name) for name in ("token", "distillation_token") if name in renamed]
    # (1, 1, C) each -> (1, C, tokens, 1)
    return {**renamed, "token": torch.cat(tokens, 1).transpose(1, 2)[..., None]}


TIMM_VIT = Format("a DeiT checkpoint", _recognises, _fits, _convert)
TIMM_VIT_DISTILLED = Format(
    "a distilled DeiT checkpoint, with two tokens",
    _recognises_distilled,
    _fits_distilled,
    _convert,
)
