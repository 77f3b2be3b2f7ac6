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

TABLE = "LeViT paper, table of the ablation of LeViT-128S"
COUNT = (
    "MFLOPs are met as LeViT's code counts them: MACs and one operation for each attention weight."
)

LEVIT_ABLATION: dict[str, Entry] = {
    "levit_128s_a4": Entry(
        family="levit_ablation",
        base="levit_128s",
        source=TABLE,
        note=(
            "A4, no distillation: one classifier, with which the printed 7.4 M are met. The other "
            f"rows are printed without the second classifier too and build on this one. {COUNT}"
        ),
        settings={"head": "pool_norm"},
    ),
    "levit_128s_a1": Entry(
        family="levit_ablation",
        base="levit_128s_a4",
        source=TABLE,
        note=(
            "A1, no pyramid: one stage of 11 layers on 14 x 14 tokens. The width is not printed; "
            "with heads and keys of the first stage, 108 is the one that meets both numbers."
        ),
        settings={"depth": [11], "dim": [108], "heads": [4], "stride": [16]},
    ),
    "levit_128s_a2": Entry(
        family="levit_ablation",
        base="levit_128s_a4",
        source=TABLE,
        note="A2, no PatchConv: one 16 x 16 convolution.",
        settings={"stem": "patchify"},
    ),
    "levit_128s_a3": Entry(
        family="levit_ablation",
        base="levit_128s_a4",
        source=TABLE,
        note="A3, no BN: LN before attention and MLP, as in DeiT, and before the classifier.",
        settings={"norm": "ln", "conv_norm": "none", "head": "gap"},
    ),
    "levit_128s_a5": Entry(
        family="levit_ablation",
        base="levit_128s_a4",
        source=TABLE,
        note="A5, no attention bias: a positional embedding at the input.",
        settings={"position": ["absolute", "none", "none"], "downsample.bias": False},
    ),
    "levit_128s_a6": Entry(
        family="levit_ablation",
        base="levit_128s_a4",
        source=TABLE,
        note=(
            "A6, no wider blocks: values as narrow as keys, D = C / N, MLP ratio 4. The widths are "
            "not printed; these keep the first width and D = 16, and meet both numbers."
        ),
        settings={
            "dim": [128, 208, 240],
            "heads": [8, 13, 15],
            "mixer.value_ratio": 1.0,
            "ffn.ratio": 4.0,
            "downsample.value_ratio": 1.0,
            "downsample.ratio": 4.0,
        },
    ),
    "levit_128s_a7": Entry(
        family="levit_ablation",
        base="levit_128s_a4",
        source=TABLE,
        note="A7, no attention activation.",
        settings={"mixer.act": "none", "downsample.act": "none"},
    ),
}
