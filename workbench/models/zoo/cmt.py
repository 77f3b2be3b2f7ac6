"""CMT-Ti, XS, S and B, as the authors released them."""

from workbench.models.zoo.entry import Entry

RELEASED = "ggjy/CMT.pytorch cmt.py; drop path from the README's commands"

CMT: dict[str, Entry] = {
    "cmt_s": Entry(
        family="cmt",
        source=RELEASED,
        note="The paper prints 25.14 M parameters; the released code has 26,256,160.",
        settings={
            "resolution": 224,
            "depth": [3, 3, 16, 3],
            "dim": [64, 128, 256, 512],
            "heads": [1, 2, 4, 8],
            "stride": [4, 2, 2, 2],
            "stem": "cmt",
            "stem.dim": 32,
            "downsample": "conv",
            "position": "relative",
            "lpu": "dwconv",
            "mixer": "lmhsa",
            "mixer.k": [8, 4, 2, 1],
            "ffn": "irffn",
            "ffn.ratio": 4.0,
            "head": "projection",
            "drop_path": 0.1,
        },
    ),
    "cmt_ti": Entry(
        family="cmt",
        base="cmt_s",
        source=RELEASED,
        settings={
            "resolution": 160,
            "depth": [2, 2, 10, 2],
            "dim": [46, 92, 184, 368],
            "stem.dim": 16,
            "ffn.ratio": 3.6,
        },
    ),
    "cmt_xs": Entry(
        family="cmt",
        base="cmt_s",
        source=RELEASED,
        note="R is 3.8 in the paper's table and 3.77 in the released code; here 3.77.",
        settings={
            "resolution": 192,
            "depth": [3, 3, 12, 3],
            "dim": [52, 104, 208, 416],
            "stem.dim": 16,
            "ffn.ratio": 3.77,
            "drop_path": 0.08,
        },
    ),
    "cmt_b": Entry(
        family="cmt",
        base="cmt_s",
        source=RELEASED,
        settings={
            "resolution": 256,
            "depth": [4, 4, 20, 4],
            "dim": [76, 152, 304, 608],
            "stem.dim": 38,
            "head.dropout": 0.3,
            "drop_path": 0.25,
        },
    ),
}
