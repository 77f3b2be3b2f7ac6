"""Scaled-down networks for 32-pixel and digit images. Ours; none has a published accuracy."""

from workbench.models.zoo.entry import Entry

OURS = "this project, scaled down from cmt_s and deit_s"

SMALL: dict[str, Entry] = {
    "cmt_cifar": Entry(
        family="small",
        base="cmt_s",
        source=OURS,
        note="32-pixel images: maps of 16, 8, 4 and 2.",
        settings={
            "resolution": 32,
            "classes": 10,
            "depth": [1, 1, 3, 1],
            "dim": [32, 64, 128, 192],
            "heads": [1, 2, 4, 6],
            "stride": [2, 2, 2, 2],
            "stem.dim": 16,
            "mixer.k": [4, 2, 1, 1],
            "head.dim": 384,
            "drop_path": 0.0,
        },
    ),
    "four_stage_cifar": Entry(
        family="small",
        base="cmt_cifar",
        source=OURS,
        note="What deit_s_4stage is to cmt_s.",
        settings={"stem": "patchify", "lpu": "none", "ffn": "mlp"},
    ),
    "columnar_cifar": Entry(
        family="small",
        base="cmt_cifar",
        source=OURS,
        note=(
            "One stage as deep as the four together, 8 x 8 tokens; the head of cmt_cifar, so that "
            "the step to four stages changes the stages alone."
        ),
        settings={
            "depth": [6],
            "dim": [64],
            "heads": [2],
            "stride": [4],
            "stem": "patchify",
            "position": "absolute",
            "lpu": "none",
            "mixer.k": 1,
            "ffn": "mlp",
        },
    ),
    "levit_cifar": Entry(
        family="small",
        base="levit_128s",
        source="this project, scaled down from levit_128s",
        note="32-pixel images: maps of 8, 4 and 2; two classifiers, the second for a teacher.",
        settings={
            "resolution": 32,
            "classes": 10,
            "depth": [2, 3, 2],
            "dim": [64, 96, 128],
            "heads": [4, 6, 8],
            "stride": [4, 2, 2],
        },
    ),
    "cmt_digits": Entry(
        family="small",
        base="cmt_s",
        source=OURS,
        note="8-pixel images: maps of 8, 4, 2 and 1.",
        settings={
            "resolution": 8,
            "classes": 10,
            "depth": [1, 1, 2, 1],
            "dim": [24, 48, 72, 96],
            "heads": [1, 2, 3, 4],
            "stride": [1, 2, 2, 2],
            "stem.dim": 12,
            "stem.stride": 1,
            "mixer.k": [4, 2, 1, 1],
            "head.dim": 192,
            "drop_path": 0.0,
        },
    ),
    "four_stage_digits": Entry(
        family="small",
        base="cmt_digits",
        source=OURS,
        note="What deit_s_4stage is to cmt_s.",
        settings={"stem": "patchify", "lpu": "none", "ffn": "mlp"},
    ),
    "columnar_digits": Entry(
        family="small",
        base="cmt_digits",
        source=OURS,
        note="One stage as deep as the four together, 4 x 4 tokens, the head of cmt_digits.",
        settings={
            "depth": [5],
            "dim": [40],
            "heads": [2],
            "stride": [2],
            "stem": "patchify",
            "position": "absolute",
            "lpu": "none",
            "mixer.k": 1,
            "ffn": "mlp",
        },
    ),
    "deit_digits": Entry(
        family="small",
        base="columnar_digits",
        source=OURS,
        note="columnar_digits with DeiT's class token in place of the head of cmt_digits.",
        settings={"head": "class_token"},
    ),
}
