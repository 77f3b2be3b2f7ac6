"""timm's and the authors' DeiT checkpoints, which share their names."""

from torch import Tensor

from workbench.config import Spec
from workbench.models.formats.base import Format, State, rename

BLOCK = r"blocks\.(\d+)"
OURS = r"stages.0.blocks.\1"
RULES = (
    (r"cls_token", r"token"),
    (r"pos_embed", r"stages.0.position.table"),
    (r"patch_embed\.proj\.(.+)", r"stem.conv.\1"),
    (BLOCK + r"\.(norm[12])\.(.+)", OURS + r".\2.\3"),
    (BLOCK + r"\.attn\.(q|kv|proj)\.(.+)", OURS + r".mixer.\2.\3"),
    (BLOCK + r"\.mlp\.fc1\.(.+)", OURS + r".ffn.expand.\2"),
    (BLOCK + r"\.mlp\.fc2\.(.+)", OURS + r".ffn.project.\2"),
    (r"norm\.(.+)", r"head.norm.\1"),
    (r"head\.(.+)", r"head.linear.\1"),
)


def _recognises(state: State) -> bool:
    return "cls_token" in state and "blocks.0.attn.qkv.weight" in state and "pos_embed" in state


def _fits(spec: Spec) -> bool:
    return spec.head.name == "class_token" and spec.stem.name == "patchify"


def _convert(state: State, origin: str) -> State:
    split: dict[str, Tensor] = {}
    for name, tensor in state.items():
        if ".attn.qkv." in name:
            rows = tensor.shape[0] // 3
            split[name.replace("qkv", "q")] = tensor[:rows]
            split[name.replace("qkv", "kv")] = tensor[rows:]
        else:
            split[name] = tensor
    renamed = rename(split, RULES, origin)
    renamed["token"] = renamed["token"].transpose(1, 2)[..., None]  # (1, 1, C) -> (1, C, 1, 1)
    return renamed


TIMM_VIT = Format("a DeiT checkpoint", _recognises, _fits, _convert)
