"""A share of a plan: which runs it has, and the folder that they go to."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from workbench.config import RunConfig
from workbench.errors import InputError
from workbench.plans.resolution import Plan

MOST = 10_000
_WHOLE = "train it whole, on several machines with --engine slurm or ray"


@dataclass(frozen=True, slots=True)
class Shard:
    """Number `number` of `of` shares, counted from 1."""

    number: int
    of: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """`3/8`. Raises `InputError` for what is no such share."""
        found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
        if not found:
            raise InputError(f"{text!r} is no share of a plan, such as 3/8", key="--shard")
        number, of = int(found[1]), int(found[2])
        if not 1 <= number <= of <= MOST:
            raise InputError(
                f"{text!r} is refused: shares are numbered from 1/{of} to {of}/{of}"
                if of <= MOST
                else f"{text!r} is refused: there are at most {MOST:,} shares",
                key="--shard",
            )
        return cls(number, of)

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def folder(self, whole: Path) -> Path:
        """Where its runs go, beside the folder of the whole plan."""
        return whole.with_name(f"{whole.name}-shard-{self.number}-of-{self.of}")

    def check(self, plan: Plan, ledger: str | None) -> None:
        """Raises `InputError` where the shares of a plan would hang on each other."""
        why = None
        if plan.race is not None:
            why = f"a race chooses its next runs by the results of all; {_WHOLE}"
        elif plan.match is not None and plan.match.asked[0] == "latency":
            why = f"latency is matched by measuring it, once for all rows; {_WHOLE}"
        elif ledger is not None:
            why = "each share has a ledger of its own, in its folder; leave --ledger out"
        if why:
            raise InputError(f"{self} is refused: {why}", key="--shard")

    def deal(self, runs: Sequence[RunConfig], macs: Mapping[str, int]) -> tuple[RunConfig, ...]:
        """Its runs, in their order. The shares have each run once; `macs` are those of each row.

        The dearest runs are dealt first, and each round begins where the one before ended, so that
        shares cost about the same. Neither the order of rows nor that of seeds matters.
        """
        cost = {run.id: macs[run.variant] * run.recipe.epochs for run in runs}
        ranked = sorted(cost, key=lambda run: (-cost[run], run))
        mine = {run for place, run in enumerate(ranked) if self._deals(place)}
        return tuple(run for run in runs if run.id in mine)

    def _deals(self, place: int) -> bool:
        turn, seat = divmod(place, self.of)
        return (seat if turn % 2 == 0 else self.of - 1 - seat) == self.number - 1


def share(runs: Sequence[RunConfig], plan: Plan, shard: Shard | None) -> tuple[RunConfig, ...]:
    """Those of `runs` that the share has; all where there is none."""
    if shard is None:
        return tuple(runs)
    return shard.deal(runs, {variant.name: variant.macs for variant in plan.variants})
