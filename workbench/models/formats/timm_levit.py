"""timm's LeViT checkpoints, those in linear layers and those in 1x1 convolutions."""

from torch import Tensor

from workbench.config import Spec
from workbench.models.formats.base import Format, State, rename

BLOCK = r"(stages\.\d+\.blocks\.)(\d+)"
DOWN = r"(stages\.\d+\.downsample)"
RULES = (
    *((rf"stem\.conv{i + 1}\.linear\.(.+)", rf"stem.convs.{i}.\1") for i in range(4)),
    *((rf"stem\.conv{i + 1}\.bn\.(.+)", rf"stem.norms.{i}.\1") for i in range(4)),
    (DOWN + r"\.attn_downsample\.attention_biases", r"\1.table"),
    (DOWN + r"\.attn_downsample\.kv\.(linear|norm)\.(.+)", r"\1.kv.\2.\3"),
    (DOWN + r"\.attn_downsample\.(q|proj)\.ln\.(linear|norm)\.(.+)", r"\1.\2.\3.\4"),
    (DOWN + r"\.mlp\.ln1\.(.+)", r"\1.mlp.expand.\2"),
    (DOWN + r"\.mlp\.ln2\.(.+)", r"\1.mlp.project.\2"),
    (r"(stages\.\d+)\.blocks\.(\d+)\.attn\.attention_biases", r"\1.position.table.\2"),
    (BLOCK + r"\.attn\.qkv\.(.+)", r"\1\2.mixer.qkv.\3"),
    (BLOCK + r"\.attn\.proj\.ln\.(.+)", r"\1\2.mixer.proj.\3"),
    (BLOCK + r"\.mlp\.ln1\.(.+)", r"\1\2.ffn.mlp.expand.\3"),
    (BLOCK + r"\.mlp\.ln2\.(.+)", r"\1\2.ffn.mlp.project.\3"),
    (r"head\.(linear|norm)\.(.+)", r"head.classifier.\1.\2"),
    (r"head_dist\.(linear|norm)\.(.+)", r"head.distilled.\1.\2"),
)


def _recognises(state: State) -> bool:
    return (
        "stem.conv1.linear.weight" in state and "stages.0.blocks.0.attn.attention_biases" in state
    )


def _fits(spec: Spec) -> bool:
    return (
        spec.stem.name == "levit"
        and spec.head.name in ("distilled", "pool_norm")
        and all(stage.mixer.name == "levit" for stage in spec.stages)
    )


def _convert(state: State, origin: str) -> State:
    kept = {
        _norm(name): _as_linear(name, tensor)
        for name, tensor in state.items()
        if not name.endswith("attention_bias_idxs")  # a buffer that older files hold
    }
    return rename(kept, RULES, origin)


def _norm(name: str) -> str:
    return name if name.startswith("stem.") else name.replace(".bn.", ".norm.")


def _as_linear(name: str, tensor: Tensor) -> Tensor:
    """The 1x1 convolutions of the `levit_conv` files as linear layers."""
    is_point = tensor.ndim == 4 and not name.startswith("stem.")
    return tensor.flatten(1) if is_point else tensor


TIMM_LEVIT = Format("a LeViT checkpoint", _recognises, _fits, _convert)
