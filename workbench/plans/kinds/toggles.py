"""What the kinds share whose rows switch several toggles at once."""

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field

from workbench.plans.kinds.base import Name, Overrides, PlanFile, PlannedRow

MOST = 40  # toggles; 821 rows of `pairs`


class Toggled(PlanFile):
    """`toggles`: for each part, what takes it out of `base`, or with `mode: add` what puts it in.

    All rows are compared to `base` as it is: the whole network, or with `mode: add` the bare one.
    """

    mode: Literal["remove", "add"] = "remove"
    baseline: Name | None = None
    toggles: Annotated[dict[Name, Overrides], Field(min_length=2, max_length=MOST)]

    def cells(self, switched: Iterable[frozenset[str]]) -> tuple[PlannedRow, ...]:
        """The row of `base`, and one for each set of toggles that are switched from it."""
        none = frozenset[str]()
        first = self.first_row(self.name_of(none), self.present(none))
        return first, *(self._cell(first, cell) for cell in switched)

    def _cell(self, first: PlannedRow, cell: frozenset[str]) -> PlannedRow:
        changes = tuple(text for name in self._ordered(cell) for text in self.toggles[name])
        return PlannedRow(
            name=self.name_of(cell), base=first.base, overrides=first.overrides + changes,
            changed=", ".join(changes), compared_to=first.name, present=self.present(cell),
        )  # fmt: skip

    def name_of(self, cell: frozenset[str]) -> str:
        """`all`, `without LPU, stem`; with `mode: add` `none`, `LPU + stem`."""
        names = self._ordered(cell)
        if self.mode == "remove":
            return f"without {', '.join(names)}" if names else self.baseline or "all"
        return " + ".join(names) if names else self.baseline or "none"

    def present(self, cell: frozenset[str]) -> tuple[str, ...]:
        """The toggles that are on, in their order."""
        wanted = self.mode == "add"
        return tuple(name for name in self.toggles if (name in cell) is wanted)

    def _ordered(self, cell: frozenset[str]) -> tuple[str, ...]:
        return tuple(name for name in self.toggles if name in cell)
