"""DeiT, and the steps from DeiT-S to CMT-S that the paper's ablation takes."""

from workbench.models.zoo.entry import Entry

DEIT_SOURCE = "facebookresearch/deit models.py; huggingface/pytorch-image-models deit.py"
STEP_SOURCE = "CMT paper, table of the ablation of the components, as far as it was recovered"

DEIT: dict[str, Entry] = {
    "deit_s": Entry(
        family="deit",
        source=DEIT_SOURCE,
        settings={
            "resolution": 224,
            "depth": [12],
            "dim": [384],
            "heads": [6],
            "stride": [16],
            "stem": "patchify",
            "position": "absolute",
            "mixer": "lmhsa",
            "mixer.k": 1,
            "ffn": "mlp",
            "head": "class_token",
            "drop_path": 0.1,
        },
    ),
    "deit_ti": Entry(
        family="deit", base="deit_s", source=DEIT_SOURCE, settings={"dim": [192], "heads": [3]}
    ),
    "deit_b": Entry(
        family="deit", base="deit_s", source=DEIT_SOURCE, settings={"dim": [768], "heads": [12]}
    ),
    **{
        f"deit_{size}_distilled": Entry(
            family="deit",
            base=f"deit_{size}",
            source=DEIT_SOURCE,
            note="A second token learns from a teacher.",
            settings={"head": "distilled_tokens"},
        )
        for size in ("ti", "s", "b")
    },
    "deit_s_4stage": Entry(
        family="cmt_path",
        base="cmt_s",
        source=STEP_SOURCE,
        note=(
            "The paper does not say what DeiT-S-4Stage keeps. Here: depth, dimension, heads, "
            "relative bias and the reduction k of CMT-S, for full attention on 56 x 56 tokens "
            "would be another ablation; from DeiT the patch embedding (4 x 4), the plain MLP, and "
            "average pooling after a norm, since a class token can't cross a downsample."
        ),
        settings={"stem": "patchify", "lpu": "none", "ffn": "mlp", "head": "gap"},
    ),
    "deit_s_4stage_stem": Entry(
        family="cmt_path",
        base="deit_s_4stage",
        source=STEP_SOURCE,
        settings={"stem": "cmt", "stem.dim": 32},
    ),
    "deit_s_4stage_stem_lpu": Entry(
        family="cmt_path", base="deit_s_4stage_stem", source=STEP_SOURCE, settings={"lpu": "dwconv"}
    ),
    "deit_s_4stage_stem_lpu_irffn": Entry(
        family="cmt_path",
        base="deit_s_4stage_stem_lpu",
        source=STEP_SOURCE,
        note="With head=projection, the paper's last step, this is cmt_s.",
        settings={"ffn": "irffn"},
    ),
}
