"""The attribution of a full factorial as a sheet."""

from workbench.ablation.attribution import Attribution, Estimate
from workbench.ablation.report.sheet import Cell, Heading, Sheet

HEADINGS = (
    Heading("Component", ("component", "with"), right=False),
    Heading("What", ("index",), right=False),
    Heading("Points of top-1 [95 %]", ("mean", "low", "high")),
)


def attribution_sheet(found: Attribution) -> Sheet:
    """Shapley values, then what each adds alone, then the interactions of pairs."""
    together = _row("all together", None, "whole", found.whole)
    values = [
        _row(name, None, "Shapley value", estimate)
        for name, estimate in zip(found.components, found.shapley, strict=True)
    ]
    alone = [
        _row(name, None, "alone", estimate)
        for name, estimate in zip(found.components, found.alone, strict=True)
    ]
    pairs = [_row(one, other, "interaction", estimate) for one, other, estimate in found.pairs]
    rows = (*values, together, *alone, *pairs)
    return Sheet("Attribution", HEADINGS, rows, ("",) * len(rows), _notes(found))


def _row(name: str, other: str | None, index: str, estimate: Estimate) -> tuple[Cell, ...]:
    interval = estimate.interval
    low, high = (interval.low, interval.high) if interval else (None, None)
    text = f"{estimate.mean:+.2f}"
    if interval is not None:
        text += f" [{interval.low:+.2f}, {interval.high:+.2f}]"
    label = f"{name} and {other}" if other else name
    return (
        Cell(label, (name, other)),
        Cell(index, (index,)),
        Cell(text, (estimate.mean, low, high)),
    )


def _notes(found: Attribution) -> tuple[str, ...]:
    notes = [
        "A Shapley value is what a component adds, averaged over all orders of adding the "
        "components; the values add up to the whole difference. Interactions are Shapley-Taylor "
        "indices: they and what each component adds alone add up to the whole difference too, and "
        "a Shapley value is 'alone' plus half of the component's interactions. Student's 95 % "
        f"intervals are over {len(found.seeds)} seeds, each for its own row.",
    ]
    if found.left_out:
        seeds = ", ".join(map(str, found.left_out))
        notes.append(f"Left out, since not every row completed: seed {seeds}.")
    return tuple(notes)
