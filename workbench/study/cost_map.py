"""Cost alone: which (alpha, beta, gamma) give the growth that was asked for, after rounding."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from workbench.study.space import Candidate, Study

SIDE = 60  # points for each coordinate: 3600, seconds


@dataclass(frozen=True)
class CostMap:
    """Points all over the surface, each with its network."""

    study: Study
    candidates: tuple[Candidate, ...]

    @property
    def feasible(self) -> tuple[Candidate, ...]:
        """Those within the tolerance."""
        return tuple(each for each in self.candidates if each.refused is None)

    def networks(self) -> dict[str, Candidate]:
        """The distinct networks within the tolerance, the one with most points first."""
        counts = Counter(each.label for each in self.feasible)
        first: dict[str, Candidate] = {}
        for each in self.feasible:
            first.setdefault(each.label or "", each)
        return dict(sorted(first.items(), key=lambda item: -counts[item[0]]))

    def counts(self) -> Counter[str]:
        """How many points round to each network within the tolerance."""
        return Counter(each.label or "" for each in self.feasible)

    def rows(self) -> Iterator[dict[str, object]]:
        """One for each point, unrounded."""
        for each in self.candidates:
            scaled = each.scaled
            yield {
                **each.constants.model_dump(),
                "network": each.label,
                "macs": scaled.cost.macs if scaled else None,
                "params": scaled.cost.params if scaled else None,
                "growth": scaled.growth if scaled else None,
                "feasible": each.refused is None,
            }


def map_costs(study: Study, side: int = SIDE) -> CostMap:
    """`side` times `side` points, spread evenly over the surface; nothing trains."""
    steps = [index / (side - 1) for index in range(side)]
    found = (study.candidate(depth, split) for depth in steps for split in steps)
    return CostMap(study, tuple(found))
