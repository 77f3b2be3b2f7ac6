"""What the kinds share whose rows switch several toggles at once."""

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field

from workbench.plans.kinds.base import Choice, Name, Overrides, PlanFile

MOST = 40  # toggles; 821 rows of `pairs`


class Toggled(PlanFile):
    """`toggles`: for each part, what takes it out of `base`, or with `mode: add` what puts it in.

    All rows are compared to `base` as it is: the whole network, or with `mode: add` the bare one.
    """

    mode: Literal["remove", "add"] = "remove"
    baseline: Name | None = None
    toggles: Annotated[dict[Name, Overrides], Field(min_length=2, max_length=MOST)]

    def cells(self, switched: Iterable[frozenset[str]]) -> tuple[Choice, ...]:
        """The row of `base`, and one for each set of toggles that are switched from it."""
        base, overrides = self.start()
        first = Choice(
            self.name_of(frozenset()), base, overrides, ", ".join((base, *overrides)),
            present=self.present(frozenset()),
        )  # fmt: skip
        return first, *(self._cell(first, cell) for cell in switched)

    def _cell(self, first: Choice, cell: frozenset[str]) -> Choice:
        changes = tuple(text for name in self._ordered(cell) for text in self.toggles[name])
        return Choice(
            self.name_of(cell), first.base, first.overrides + changes, ", ".join(changes),
            first.name, present=self.present(cell),
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
