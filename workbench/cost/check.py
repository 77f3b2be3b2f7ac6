"""The closed form held against the trace, entry by entry."""

from workbench.config import Spec
from workbench.cost.closed import closed_form
from workbench.cost.record import Cost, OperatorCost
from workbench.cost.trace import trace
from workbench.errors import InputError
from workbench.models.ops import Size

SHOWN = 2  # of the entries that differ


class CountMismatchError(InputError):
    """Closed form and trace disagree, as where `ops` of one's own component leave something out;
    the message names the first entries that do."""


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
        f"stage {place[0]}, {place[1]}, {place[2]}: closed form {one}, trace {other}"
        for place in expected | found
        for one, other in [_apart(expected.get(place), found.get(place))]
        if one != other
    ]
    if faults:
        more = f"; {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
        raise CountMismatchError(
            f"what `ops` of the components of {closed.spec} state at {closed.size} pixels is not "
            f"what a trace finds: {'; '.join(faults[:SHOWN])}{more}",
            key="ops",
        )


def _by_place(cost: Cost) -> dict[tuple[str, str, str], OperatorCost]:
    return {entry[:3]: entry for entry in cost.entries}


def _apart(one: OperatorCost | None, other: OperatorCost | None) -> tuple[str, str]:
    """Both in words, by the numbers that differ; alike where none does."""
    nothing = (0,) * len(OperatorCost._fields)
    pairs = zip(OperatorCost._fields, one or nothing, other or nothing, strict=True)
    keys = [key for key, mine, its in list(pairs)[3:] if mine != its]
    return _text(one, keys), _text(other, keys)


def _text(entry: OperatorCost | None, keys: list[str]) -> str:
    if entry is None:
        return "nothing"
    return ", ".join(f"{getattr(entry, key):,} {key}" for key in keys) or "zeros"
