"""VOLO-D1 to D5 at 224 pixels, and at the resolutions they were tuned to."""

from workbench.models.zoo.entry import Entry

SOURCE = (
    "sail-sg/volo models/volo.py, drop path from its README's commands; "
    "huggingface/pytorch-image-models volo.py"
)

VOLO: dict[str, Entry] = {
    "volo_d1": Entry(
        family="volo",
        source=SOURCE,
        note="The two stages of the paper in four, as in the authors' code.",
        settings={
            "resolution": 224,
            "depth": [4, 4, 8, 2],
            "dim": [192, 384, 384, 384],
            "heads": [6, 12, 12, 12],
            "stride": [8, 2, 1, 1],
            "norm": "ln",
            "norm.eps": 1e-5,
            "act": "gelu",
            "stem": "volo",
            "stem.dim": 64,
            "downsample": ["none", "conv", "none", "none"],
            "downsample.norm": False,
            "position": ["none", "absolute", "none", "none"],
            "mixer": ["outlook", "lmhsa", "lmhsa", "lmhsa"],
            "mixer.qkv_bias": False,
            "ffn": "mlp",
            "ffn.ratio": 3.0,
            "head": "class_attention",
            "head.ratio": 3.0,
            "drop_path": 0.1,
        },
    ),
    "volo_d2": Entry(
        family="volo",
        base="volo_d1",
        source=SOURCE,
        settings={
            "depth": [6, 4, 10, 4],
            "dim": [256, 512, 512, 512],
            "heads": [8, 16, 16, 16],
            "drop_path": 0.2,
        },
    ),
    "volo_d3": Entry(
        family="volo",
        base="volo_d2",
        source=SOURCE,
        settings={"depth": [8, 8, 16, 4], "drop_path": 0.5},
    ),
    "volo_d4": Entry(
        family="volo",
        base="volo_d3",
        source=SOURCE,
        note="The README has no command for D4; drop path is that of D3.",
        settings={"dim": [384, 768, 768, 768], "heads": [12, 16, 16, 16]},
    ),
    "volo_d5": Entry(
        family="volo",
        base="volo_d4",
        source=SOURCE,
        note="The README has no command for D5; drop path is that of D3.",
        settings={
            "depth": [12, 12, 20, 4],
            "stem.dim": 128,
            "ffn.ratio": 4.0,
            "head.ratio": 4.0,
        },
    ),
    **{
        f"volo_{size}_{side}": Entry(
            family="volo",
            base=f"volo_{size}",
            source=SOURCE,
            note="Tuned from the weights at 224 pixels.",
            settings={"resolution": side},
        )
        for size, side in (
            ("d1", 384),
            ("d2", 384),
            ("d3", 448),
            ("d4", 448),
            ("d5", 448),
            ("d5", 512),
        )
    },
}
