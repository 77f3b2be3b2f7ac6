"""The closed form held against the trace, entry by entry."""

from workbench.config import Spec
from workbench.cost.closed import closed_form
from workbench.cost.record import Cost, OperatorCost
from workbench.cost.trace import trace
from workbench.models.ops import Size


class CountMismatchError(RuntimeError):
    """Closed form and trace disagree; the message names every entry that does."""


def checked_cost(spec: Spec, size: Size | None = None) -> Cost:
    """The closed form of `spec`, once fvcore's trace has confirmed every entry to the last unit.

    Raises `CountMismatchError`, and `UncountedOperatorError` for an operator without a handle.
    """
    cost = closed_form(spec, size)
    confirm(cost, trace(spec, size))
    return cost


def confirm(closed: Cost, traced: Cost) -> None:
    """Refuses two counts of one network that differ in any entry."""
    expected, found = _by_place(closed), _by_place(traced)
    faults = [
        f"stage {place[0]}, {place[1]}, {place[2]}: "
        f"closed form {_text(expected.get(place))}, trace {_text(found.get(place))}"
        for place in expected | found
        if expected.get(place) != found.get(place)
    ]
    if faults:
        raise CountMismatchError(f"{closed.spec} at {closed.size}: {'; '.join(faults)}")


def _by_place(cost: Cost) -> dict[tuple[str, str, str], OperatorCost]:
    return {entry[:3]: entry for entry in cost.entries}


def _text(entry: OperatorCost | None) -> str:
    if entry is None:
        return "nothing"
    numbers = zip(OperatorCost._fields[3:], entry[3:], strict=True)
    return ", ".join(f"{name} {value}" for name, value in numbers)
