"""Headline claims of the CMT, LeViT and VOLO papers that cost or speed alone can decide.

A claim that does not name its models is read in every way it can mean, one `Reading` each. A
reading is a ratio of two quantities that we count, and holds where the ratio is within bounds that
follow from what the claim prints: "14x" holds from 13.5 on, which rounds to 14.
"""

from dataclasses import dataclass
from typing import Literal

CMT = "CMT abstract, arXiv:2107.06263 (also openreview.net/forum?id=Ua6hPfI--EX)"
CMT_33 = "CMT paper section 3.3, equations 13 to 16 (arXiv:2107.06263)"
CMT_34 = "CMT paper section 3.4 (arXiv:2107.06263); results/published/cmt_scaling.csv"
LEVIT = "LeViT abstract, arXiv:2104.01136"
LEVIT_V1 = "LeViT abstract, another version (aminer.org/pub/606ae09391e011f23f90972f)"
LEVIT_6 = "LeViT paper section 6 (arXiv:2104.01136)"
LEVIT_54 = "LeViT paper section 5.4 and table 4 (arXiv:2104.01136)"
LEVIT_A2 = "LeViT paper section 5.5, A2 (arXiv:2104.01136); results/published/levit_ablation.csv"
VOLO = "VOLO abstract, TPAMI 2022 (sail.sea.com/research/publications/5)"


@dataclass(frozen=True, slots=True)
class Counted:
    """A whole network: a zoo entry with overrides, or `timm:NAME`.

    Its speed is measured in channels_last memory unless `contiguous`, which is how timm builds.
    """

    name: str
    overrides: tuple[str, ...] = ()
    resolution: int | None = None
    contiguous: bool = False


@dataclass(frozen=True, slots=True)
class CountedBlock:
    """LPU, mixer and FFN of one block of a stage, or the mixer alone; products only."""

    name: str
    stage: int
    overrides: tuple[str, ...] = ()
    resolution: int | None = None
    slots: tuple[str, ...] = ("lpu", "mixer", "ffn")


@dataclass(frozen=True, slots=True)
class Printed:
    """A published figure, for a model that neither the zoo nor timm has."""

    model: str


Operand = Counted | CountedBlock | Printed


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a claim: `left` over `right`, in one quantity.

    With `then` the ratio is taken again there, and what counts is the second over the first.
    With `growth` the ratio is turned into the exponent that the claim is about.
    """

    text: str
    left: Operand
    right: Operand
    quantity: Literal["macs", "params", "speed"] = "macs"
    then: tuple[Operand, Operand] | None = None
    growth: float | None = None  # of what the exponent belongs to, left over right


@dataclass(frozen=True, slots=True)
class Claim:
    """What a paper says, where, and the bounds within which a ratio upholds it."""

    key: str
    text: str
    source: str
    rule: str
    low: float
    high: float | None
    readings: tuple[Reading, ...]


CMT_S = Counted("cmt_s")
B4, B5 = Counted("timm:tf_efficientnet_b4"), Counted("timm:tf_efficientnet_b5")
LEVIT_B2 = tuple(
    Reading(
        f"LeViT-192 (80.0) over EfficientNet-B2 at 260 pixels (80.1), {how}",
        Counted("levit_192"),
        Counted("timm:tf_efficientnet_b2", contiguous=contiguous),
        "speed",
    )
    for how, contiguous in (("as timm builds it", True), ("in channels_last memory", False))
)
STANDARD = ("lpu=none", "ffn=mlp", "mixer.k=1")


def _block_reading(stage: int, side: int) -> Reading:
    return Reading(
        f"standard block over CMT block, stage {stage} of CMT-S, {side} x {side} tokens",
        CountedBlock("cmt_s", stage, STANDARD),
        CountedBlock("cmt_s", stage),
    )


def _resolution_reading(stage: int) -> Reading:
    return Reading(
        f"that ratio at 448 pixels over that at 224, stage {stage} of CMT-S",
        CountedBlock("cmt_s", stage, STANDARD),
        CountedBlock("cmt_s", stage),
        then=(CountedBlock("cmt_s", stage, STANDARD, 448), CountedBlock("cmt_s", stage, (), 448)),
    )


def _width_reading(stage: int) -> Reading:
    doubled = ("dim=[128,256,512,1024]",)
    return Reading(
        f"exponent of the dimension, block of stage {stage} of CMT-S, dimension doubled",
        CountedBlock("cmt_s", stage, doubled),
        CountedBlock("cmt_s", stage),
        growth=2.0,
    )


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "cmt_deit_14x",
        "CMT-S (83.5 top-1) has 14 times fewer FLOPs than DeiT",
        CMT,
        "at least 13.5, which rounds to 14",
        13.5,
        None,
        (
            Reading("DeiT-B at 384 pixels", Counted("deit_b", (), 384), CMT_S),
            Reading("DeiT-B at 224 pixels", Counted("deit_b"), CMT_S),
            Reading("DeiT-S at 224 pixels", Counted("deit_s"), CMT_S),
        ),
    ),
    Claim(
        "cmt_efficientnet_2x",
        "CMT-S (83.5 top-1) has 2 times fewer FLOPs than EfficientNet",
        CMT,
        "at least 1.5, which rounds to 2",
        1.5,
        None,
        (
            Reading("EfficientNet-B4 at 380 pixels", B4, CMT_S),
            Reading("EfficientNet-B5 at 456 pixels", B5, CMT_S),
        ),
    ),
    Claim(
        "cmt_block_cheaper",
        "The CMT block costs less than the standard transformer block",
        CMT_33,
        "more than 1",
        1.0,
        None,
        tuple(_block_reading(stage, 56 >> stage) for stage in range(4)),
    ),
    Claim(
        "cmt_block_resolution",
        "... and processes a feature map of higher resolution the more easily",
        CMT_33,
        "more than 1",
        1.0,
        None,
        tuple(_resolution_reading(stage) for stage in range(4)),
    ),
    Claim(
        "cmt_similar",
        "CMT-S has similar size and complexity as DeiT-S and EfficientNet-B4",
        CMT_34,
        "0.8 to 1.25, our reading of similar",
        0.8,
        1.25,
        (
            Reading("params over those of DeiT-S", CMT_S, Counted("deit_s"), "params"),
            Reading("MACs over those of DeiT-S", CMT_S, Counted("deit_s")),
            Reading("params over those of EfficientNet-B4", CMT_S, B4, "params"),
            Reading("MACs over those of EfficientNet-B4", CMT_S, B4),
        ),
    ),
    Claim(
        "cmt_scaling_2_5x",
        "Each step of the compound scaling multiplies the FLOPs by about 2.5",
        CMT_34,
        "2.25 to 2.75, within a tenth",
        2.25,
        2.75,
        (
            Reading("CMT-XS over CMT-Ti", Counted("cmt_xs"), Counted("cmt_ti")),
            Reading("CMT-S over CMT-XS", CMT_S, Counted("cmt_xs")),
            Reading("CMT-B over CMT-S", Counted("cmt_b"), CMT_S),
        ),
    ),
    Claim(
        "cmt_scaling_width",
        "The FLOPs of the CMT block are about proportional to the dimension to the power 1.5",
        CMT_34,
        "1.35 to 1.65, within a tenth",
        1.35,
        1.65,
        tuple(_width_reading(stage) for stage in range(4)),
    ),
    Claim(
        "levit_efficientnet_5x",
        "At 80 % top-1, LeViT is 5 times faster than EfficientNet on CPU",
        LEVIT,
        "at least 4.5, which rounds to 5",
        4.5,
        None,
        LEVIT_B2,
    ),
    Claim(
        "levit_efficientnet_3_3x",
        "The same abstract in another version: 3.3 times faster",
        LEVIT_V1,
        "at least 3.25, which rounds to 3.3",
        3.25,
        None,
        LEVIT_B2,
    ),
    Claim(
        "levit_peers",
        "LeViT is 1.5 to 5 times faster than efficient networks of comparable precision",
        LEVIT_6,
        "at least 1.45, which rounds to 1.5",
        1.45,
        None,
        (
            Reading(
                "LeViT-256 (81.6) over EfficientNet-B3 at 300 pixels (81.6)",
                Counted("levit_256"),
                Counted("timm:tf_efficientnet_b3"),
                "speed",
            ),
            Reading(
                "LeViT-384 (82.6) over EfficientNet-B4 at 380 pixels (82.9)",
                Counted("levit_384"),
                B4,
                "speed",
            ),
            Reading(
                "LeViT-384 (82.6) over DeiT-S distilled (82.6)",
                Counted("levit_384"),
                Counted("deit_s_distilled"),
                "speed",
            ),
        ),
    ),
    Claim(
        "levit_t2t_5x",
        "All T2T-ViT variants take around 5 times more FLOPs than LeViT-384",
        LEVIT_54,
        "4 to 6, within a fifth",
        4.0,
        6.0,
        tuple(
            Reading(f"{name}, as published", Printed(name), Counted("levit_384"))
            for name in ("T2T-ViTt-14", "T2T-ViTt-19", "T2T-ViTt-24")
        ),
    ),
    Claim(
        "levit_patch_10_percent",
        "LeViT-128S without its four convolutions has 10 % fewer FLOPs",
        LEVIT_A2,
        "0.895 to 0.905, which rounds to 10 % fewer",
        0.895,
        0.905,
        (
            Reading(
                "one 16 x 16 convolution over the four",
                Counted("levit_128s", ("stem=patchify",)),
                Counted("levit_128s"),
            ),
        ),
    ),
    Claim(
        "volo_outlook_linear",
        "Outlook attention does not cost quadratically in the size of the map",
        VOLO,
        "at most 4, for a map of 4 times the positions",
        0.0,
        4.0,
        (
            Reading(
                "mixer of stage 0 of VOLO-D1 at 448 pixels over 224",
                CountedBlock("volo_d1", 0, (), 448, ("mixer",)),
                CountedBlock("volo_d1", 0, slots=("mixer",)),
            ),
        ),
    ),
)
