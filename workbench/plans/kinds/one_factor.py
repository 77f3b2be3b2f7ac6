"""All values of one slot or field, each compared to the value that the base has."""

from workbench.errors import InputError, unknown
from workbench.plans.kinds.base import (
    Name,
    PlanFile,
    PlannedRow,
    override_text,
    refuse_twice,
)

Value = bool | int | float | str | None | list[bool | int | float | str]


class OneFactor(PlanFile):
    """`factor`: a slot (`lpu`) or a field (`mixer.k`); without `values`, all of the slot.

    The value that `base` has already is the baseline, and gets no second row.
    """

    factor: str
    values: tuple[Value, ...] | None = None
    baseline: Name = "baseline"

    def choices(self) -> tuple[PlannedRow, ...]:
        """See `PlanFile.choices`."""
        first = self.first_row(self.baseline)
        values = self.values if self.values is not None else _components(self.factor)
        texts = [override_text(value) for value in values]
        refuse_twice("values", texts)
        changes = (f"{self.factor}={text}" for text in texts)
        others = (
            PlannedRow(
                name=text,
                base=first.base,
                overrides=(*first.overrides, text),
                changed=text,
                compared_to=first.name,
                optional=True,
            )
            for text in changes
        )
        return (first, *others)


def _components(slot: str) -> tuple[str, ...]:
    from workbench.models import SLOTS

    if slot not in SLOTS:
        if "." in slot:
            raise InputError(f"{slot!r} is a field, not a slot; list its values", key="factor")
        raise unknown("factor", slot, SLOTS)
    return tuple(SLOTS[slot])
