"""What a state dict that does not fit looks like, for the message that refuses it."""

from collections.abc import Iterable

# A key that a family has and others have not; the first match names the file.
SIGNATURES: tuple[tuple[str, str], ...] = (
    # under the workbench's names
    ("stages.0.blocks.0.ffn.mlp.expand.linear.weight", "the workbench's own LeViT"),
    ("head.blocks.0.kv.weight", "the workbench's own VOLO"),
    ("stages.0.blocks.0.ffn.depthwise.weight", "the workbench's own CMT"),
    ("token", "the workbench's own DeiT"),
    # of other code; the releases that can be loaded are in FORMATS
    ("layer1.0.conv1.weight", "a ResNet checkpoint"),
    ("conv_stem.weight", "an EfficientNet or MobileNet checkpoint"),
    ("features.0.0.weight", "a torchvision EfficientNet, ConvNeXt or MobileNet checkpoint"),
    ("layers.0.blocks.0.attn.relative_position_bias_table", "a Swin checkpoint"),
    ("stages.0.blocks.0.conv_dw.weight", "a ConvNeXt checkpoint"),
    ("downsample_layers.0.0.weight", "a ConvNeXt checkpoint"),
    ("encoder.layers.encoder_layer_0.ln_1.weight", "a torchvision ViT checkpoint"),
    ("blocks.0.attn.qkv.weight", "a ViT checkpoint"),
    ("patch_embed.0.c.weight", "a LeViT checkpoint of facebookresearch/LeViT, not of timm"),
    ("param_groups", "the state of an optimiser"),
)


def looks_like(names: Iterable[str], own: Iterable[str]) -> str | None:
    """What the keys `names` look like; None if nothing known, or what the model `own` is itself."""
    given, present = set(names), set(own)
    for key, title in SIGNATURES:
        if key in given and key not in present:
            return title
    return None
