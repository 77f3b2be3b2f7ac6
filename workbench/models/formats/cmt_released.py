"""The checkpoints of ggjy/CMT.pytorch."""

from workbench.config import Spec
from workbench.models.formats.base import Format, State, join_rows, rename

STAGES = {letter: index for index, letter in enumerate("abcd")}
BLOCK = r"(stages\.\d+\.blocks\.\d+)"
RULES = (
    (r"stem_conv(\d)\.(.+)", r"stem.convs.\1.\2"),
    (r"stem_norm(\d)\.(.+)", r"stem.norms.\1.\2"),
    (r"(stages\.\d+)\.position", r"\1.position.table.0"),
    (r"(stages\.\d+)\.downsample\.proj\.(.+)", r"\1.downsample.conv.\2"),
    (r"(stages\.\d+)\.downsample\.norm\.(.+)", r"\1.downsample.norm.\2"),
    (BLOCK + r"\.proj\.(.+)", r"\1.lpu.conv.\2"),
    (BLOCK + r"\.(norm[12])\.(.+)", r"\1.\2.\3"),
    (BLOCK + r"\.attn\.(q|kv|proj)\.(.+)", r"\1.mixer.\2.\3"),
    (BLOCK + r"\.attn\.sr\.0\.(.+)", r"\1.mixer.reduce.conv.\2"),
    (BLOCK + r"\.attn\.sr\.1\.(.+)", r"\1.mixer.reduce.norm.\2"),
    (BLOCK + r"\.mlp\.conv1\.0\.(.+)", r"\1.ffn.expand.\2"),
    (BLOCK + r"\.mlp\.conv1\.2\.(.+)", r"\1.ffn.norm1.\2"),
    (BLOCK + r"\.mlp\.proj\.(.+)", r"\1.ffn.depthwise.\2"),
    (BLOCK + r"\.mlp\.proj_bn\.(.+)", r"\1.ffn.norm2.\2"),
    (BLOCK + r"\.mlp\.conv2\.0\.(.+)", r"\1.ffn.project.\2"),
    (BLOCK + r"\.mlp\.conv2\.1\.(.+)", r"\1.ffn.norm3.\2"),
    (r"_fc\.(.+)", r"head.conv.\1"),
    (r"_bn\.(.+)", r"head.norm.\1"),
    (r"head\.(weight|bias)", r"head.linear.\1"),
)


def _recognises(state: State) -> bool:
    return "stem_conv1.weight" in state and "relative_pos_a" in state


def _fits(spec: Spec) -> bool:
    return spec.stem.name == "cmt" and spec.head.name == "projection" and len(spec.stages) == 4


def _number(name: str) -> str:
    """The letters and the counting from one of the release as indices."""
    for prefix, place in (("relative_pos_", "position"), ("patch_embed_", "downsample")):
        if name.startswith(prefix):
            letter, rest = name[len(prefix)], name[len(prefix) + 1 :]
            return f"stages.{STAGES.get(letter, letter)}.{place}{rest}"
    if name.startswith("blocks_"):
        return f"stages.{STAGES.get(name[7], name[7])}.blocks{name[8:]}"
    for prefix in ("stem_conv", "stem_norm"):
        if name.startswith(prefix) and name[9:10].isdigit():
            return f"{prefix}{int(name[9]) - 1}{name[10:]}"
    return name


def _convert(state: State, origin: str) -> State:
    numbered = {_number(name): tensor for name, tensor in state.items()}
    joined = join_rows(numbered, (".attn.k.", ".attn.v."), ".attn.kv.", origin)
    return rename(joined, RULES, origin)


CMT_RELEASED = Format("a released CMT checkpoint (ggjy/CMT.pytorch)", _recognises, _fits, _convert)
