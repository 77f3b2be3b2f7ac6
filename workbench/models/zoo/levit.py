"""LeViT-128S to 384, as the authors released them."""

from workbench.models.zoo.entry import Entry

SOURCE = "facebookresearch/LeViT levit.py; huggingface/pytorch-image-models levit.py"

LEVIT: dict[str, Entry] = {
    "levit_128s": Entry(
        family="levit",
        source=SOURCE,
        note=(
            "The paper's family table prints 7.8 M parameters, its ablation table 7.4 M: the "
            "latter leaves the classifier of distillation out."
        ),
        settings={
            "resolution": 224,
            "depth": [2, 3, 4],
            "dim": [128, 256, 384],
            "heads": [4, 6, 8],
            "stride": [16, 2, 2],
            "norm": "none",
            "conv_norm": "bn",
            "act": "hardswish",
            "stem": "levit",
            "downsample": "attention",
            "downsample.key_dim": 16,
            "downsample.value_ratio": 4.0,
            "downsample.ratio": 2.0,
            "position": "attention_bias",
            "mixer": "levit",
            "mixer.key_dim": 16,
            "mixer.value_ratio": 2.0,
            "ffn": "levit_mlp",
            "ffn.ratio": 2.0,
            "head": "distilled",
        },
    ),
    "levit_128": Entry(
        family="levit",
        base="levit_128s",
        source=SOURCE,
        settings={"depth": [4, 4, 4], "heads": [4, 8, 12]},
    ),
    "levit_192": Entry(
        family="levit",
        base="levit_128s",
        source=SOURCE,
        settings={
            "depth": [4, 4, 4],
            "dim": [192, 288, 384],
            "heads": [3, 5, 6],
            "mixer.key_dim": 32,
            "downsample.key_dim": 32,
        },
    ),
    "levit_256": Entry(
        family="levit",
        base="levit_192",
        source=SOURCE,
        settings={"dim": [256, 384, 512], "heads": [4, 6, 8]},
    ),
    "levit_384": Entry(
        family="levit",
        base="levit_192",
        source=SOURCE,
        settings={"dim": [384, 512, 768], "heads": [6, 9, 12], "drop_path": 0.1},
    ),
}
