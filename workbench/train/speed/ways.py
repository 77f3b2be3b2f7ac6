"""What a trial of speed found, and the way of computing that it chooses. Needs no torch."""

from collections.abc import Iterable, Sequence
from typing import Literal

from workbench.config import Count, Flag, Frozen, NonNegative, Positive, Recipe
from workbench.errors import InputError

Key = Literal["precision", "compile"]
KEYS: tuple[Key, ...] = ("precision", "compile")
GAIN = 1.05  # a run has to be so many times faster than the plain way makes it
STEPS = 20  # of each way


class Way(Frozen):
    """One way to compute a training step, and what it took."""

    precision: Literal["32", "bf16"]
    compile: Flag
    seconds: Positive | None = None  # median of an image's share of a step; None: it fails here
    before: NonNegative = 0.0  # seconds of the first step beyond those of the others
    fault: str = ""  # why it fails

    @property
    def text(self) -> str:
        """`bf16, compiled`."""
        kind = "bf16" if self.precision == "bf16" else "32 bits"
        return f"{kind}, compiled" if self.compile else kind


class SpeedTrial(Frozen):
    """The ways that were tried on one row's network, the plain one first."""

    keys: tuple[Key, ...]  # of the recipe, that it decides
    row: str
    images: Count  # that one run trains on, over all its epochs
    batch: Count
    device: str
    threads: Count
    ways: tuple[Way, ...]

    @property
    def best(self) -> Way:
        """The fastest for a whole run, if it is clearly faster than the plain way."""
        plain = self.ways[0]
        best = min((way for way in self.ways if way.seconds), key=self._whole, default=plain)
        return best if self._whole(plain) >= GAIN * self._whole(best) else plain

    @property
    def settings(self) -> tuple[str, ...]:
        """What is decided, as overrides of a recipe: `precision=bf16`."""
        return tuple(f"{key}={_written(value)}" for key, value in self.values().items())

    def values(self) -> dict[str, object]:
        """What is decided, by key of the recipe."""
        return {key: getattr(self.best, key) for key in self.keys}

    @property
    def text(self) -> str:
        """A line for people: what is taken, and what everything took."""
        found = "; ".join(self._line(way) for way in self.ways)
        return (
            f"Training is computed in {self.best.text}, as a trial of {STEPS} steps of "
            f"{self.row!r} decided when the sweep began ({self.device}, threads: {self.threads}, "
            f"batch: {self.batch}): {found}."
        )

    def _whole(self, way: Way) -> float:
        """Seconds of a run's training."""
        return float("inf") if way.seconds is None else way.before + way.seconds * self.images

    def _line(self, way: Way) -> str:
        if way.seconds is None:
            return f"{way.text} fails here ({way.fault})"
        first = f", and {way.before:.0f} s once a run" if way.compile else ""
        return f"{way.text} {1e3 * way.seconds:.3g} ms an image{first}"


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def undecided(recipe: Recipe) -> tuple[Key, ...]:
    """The keys that `recipe` says `auto` of.

    A recipe that says nothing of its precision leaves nothing open: it is bf16 on a GPU and 32
    bits elsewhere.
    """
    named = {"precision": "precision" in recipe.model_fields_set, "compile": True}
    return tuple(key for key in KEYS if named[key] and getattr(recipe, key) == "auto")


def refuse_own_trial(recipe: Recipe, planned: Recipe) -> None:
    """Raises `InputError` for a row that has a trial to itself: rows are compared in one way."""
    if recipe.compile == "auto" and planned.compile != "auto":
        raise InputError("'auto' is for all rows of a plan; say true or false", key="compile")


def ways_of(keys: Iterable[Key], recipe: Recipe, half: bool) -> Sequence[Way]:
    """The ways to be tried, the plain one first; `half`: bf16 where `precision` is not among
    `keys`."""
    keys = set(keys)
    usual: tuple[Literal["32", "bf16"], ...] = ("bf16",) if half else ("32",)
    precisions = ("32", "bf16") if "precision" in keys else usual
    compiled = (False, True) if "compile" in keys else (recipe.compile is True,)
    return [Way(precision=each, compile=flag) for flag in compiled for each in precisions]
