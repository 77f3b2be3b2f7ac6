"""What a plan measures: the scores of a run that its verdicts can be about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workbench.errors import InputError, unknown


@dataclass(frozen=True, slots=True)
class Metric:
    """A score: its names, its unit, which way is better, and where it stands in a run.

    `counts` says that it is the share of the test images that a run has right: it then moves in
    steps of one image, and rows near 50 % vary more. `finest` is the spread below which the scores
    of seeds are one number, and their spread is unknown rather than nil.
    """

    key: str  # in plans and in files
    name: str  # in a sentence
    unit: str  # of the score; differences of percentages are in points
    higher: bool  # is better
    field: str  # of a run
    counts: bool = False
    digits: int = 2  # behind the point, where people read it
    finest: float = 1e-4

    @property
    def title(self) -> str:
        """Above a column: `Top-1, %`."""
        return f"{self.first}, {self.unit}"

    @property
    def first(self) -> str:
        """As the first word of a sentence: `Top-1`, `mIoU`."""
        return self.name if self.name[1:].lower() != self.name[1:] else self.name.capitalize()

    @property
    def points(self) -> str:
        """The unit of a difference."""
        return "points" if self.unit == "%" else self.unit

    def better(self, difference: float) -> bool:
        """Whether a row that differs by that is the better one."""
        return (difference > 0) is self.higher

    def signed(self, value: float) -> str:
        """A difference: `+1.20`; what rounds to zero is `+0.00`, from either side."""
        return f"{value:+z.{self.digits}f}"

    def text(self, mean: float | None, sd: float | None) -> str:
        """`81.23 ± 0.45`, without the spread where there is one seed, empty where unknown."""
        values = [value for value in (mean, sd) if mean is not None and value is not None]
        return " ± ".join(f"{value:.{self.digits}f}" for value in values)


TOP1 = Metric("top1", "top-1", "%", higher=True, field="top1", counts=True)
LOSS = Metric("loss", "test loss", "nats", higher=False, field="test_loss", digits=4, finest=1e-9)
AP = Metric("ap", "AP", "%", higher=True, field="top1")  # of boxes, over IoU from 0.5 to 0.95
MIOU = Metric("miou", "mIoU", "%", higher=True, field="top1")
METRICS: Mapping[str, Metric] = {each.key: each for each in (TOP1, LOSS, AP, MIOU)}
OF_TASK: Mapping[str, tuple[Metric, ...]] = {  # those that runs of a task have, the usual one first
    "classify": (TOP1, LOSS),
    "detect": (AP,),
    "segment": (MIOU, LOSS),
}


def score_of(task: str) -> Metric:
    """The one that runs of a task are known by."""
    return OF_TASK[task][0]


SIZES = ("AP small", "AP medium", "AP large")
FURTHER = (  # in percent
    "class-mean accuracy", "calibration error",
    "AP50", "AP75", *SIZES, "AP of masks", "AP50 of masks", "pixel accuracy",
)  # fmt: skip


def metrics_named(keys: Sequence[str]) -> tuple[Metric, ...]:
    """The metrics that a plan names. Raises `InputError` for one that runs do not have, for one
    that stands there twice, and where there is none."""
    if not keys:
        raise InputError("there is none; a plan has at least one", key="metric")
    for key in keys:
        if key not in METRICS:
            raise unknown("metric", key, METRICS)
        if list(keys).count(key) > 1:
            raise InputError(f"{key!r} stands there {list(keys).count(key)} times", key="metric")
    return tuple(METRICS[key] for key in keys)


def images_variance(top1: float, images: int) -> float:
    """The most that `images` images explain of a run's variance, in squared points.

    `top1` is in percent.
    """
    share = top1 / 100
    return 1e4 * share * (1 - share) / images
