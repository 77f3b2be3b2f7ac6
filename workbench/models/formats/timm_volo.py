"""timm's and the authors' VOLO checkpoints, which share their names."""

from torch import Tensor

from workbench.config import Spec
from workbench.models.formats.base import Format, State, rename, split_qkv

STAGES = {"0": 0, "2": 1, "3": 2, "4": 3}  # network.1 is the downsample
BLOCK = r"(stages\.\d+\.blocks\.\d+)"
RULES = (
    *((rf"patch_embed\.conv\.{3 * i}\.(.+)", rf"stem.convs.{i}.\1") for i in range(3)),
    *((rf"patch_embed\.conv\.{3 * i + 1}\.(.+)", rf"stem.norms.{i}.\1") for i in range(3)),
    (r"patch_embed\.proj\.(.+)", r"stem.proj.\1"),
    (r"network\.1\.proj\.(.+)", r"stages.1.downsample.conv.\1"),
    (r"pos_embed", r"stages.1.position.table"),
    (BLOCK + r"\.(norm[12])\.(.+)", r"\1.\2.\3"),
    (BLOCK + r"\.attn\.attn\.(.+)", r"\1.mixer.weights.\2"),
    (BLOCK + r"\.attn\.(v|q|kv|proj)\.(.+)", r"\1.mixer.\2.\3"),
    (BLOCK + r"\.mlp\.fc1\.(.+)", r"\1.ffn.expand.\2"),
    (BLOCK + r"\.mlp\.fc2\.(.+)", r"\1.ffn.project.\2"),
    (r"cls_token", r"head.token"),
    (r"post_network\.(\d+)\.(norm[12])\.(.+)", r"head.blocks.\1.\2.\3"),
    (r"post_network\.(\d+)\.attn\.(q|kv|proj)\.(.+)", r"head.blocks.\1.\2.\3"),
    (r"post_network\.(\d+)\.mlp\.fc1\.(.+)", r"head.blocks.\1.expand.\2"),
    (r"post_network\.(\d+)\.mlp\.fc2\.(.+)", r"head.blocks.\1.project.\2"),
    (r"norm\.(.+)", r"head.norm.\1"),
    (r"head\.(.+)", r"head.linear.\1"),
    (r"aux_head\.(.+)", r"head.dense.\1"),
)


def _recognises(state: State) -> bool:
    return "patch_embed.conv.0.weight" in state and "network.0.0.attn.attn.weight" in state


def _fits(spec: Spec) -> bool:
    return (
        spec.stem.name == "volo"
        and spec.head.name == "class_attention"
        and [stage.mixer.name for stage in spec.stages] == ["outlook", "lmhsa", "lmhsa", "lmhsa"]
    )


def _convert(state: State, origin: str) -> State:
    numbered = {_number(name): _reshape(name, tensor) for name, tensor in state.items()}
    return rename(split_qkv(numbered), RULES, origin)


def _number(name: str) -> str:
    """`network.2.5.` as `stages.1.blocks.5.`."""
    parts = name.split(".")
    if parts[0] != "network" or parts[1] not in STAGES:
        return name
    return ".".join(["stages", str(STAGES[parts[1]]), "blocks", *parts[2:]])


def _reshape(name: str, tensor: Tensor) -> Tensor:
    if name == "pos_embed":
        return tensor.flatten(1, 2)  # (1, H, W, C) -> (1, H * W, C)
    if name == "cls_token":
        return tensor.transpose(1, 2)[..., None]  # (1, 1, C) -> (1, C, 1, 1)
    return tensor


TIMM_VOLO = Format("a VOLO checkpoint", _recognises, _fits, _convert)
