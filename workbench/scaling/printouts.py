"""Scaled networks, the published ones beside them, and exponents, for a terminal."""

from collections.abc import Iterable, Sequence

from workbench.config import MAC
from workbench.scaling.beside_published import ModelBesideRule, Size, SizeBesideRule
from workbench.scaling.constants import PAPER_EXPONENTS
from workbench.scaling.exponents import WITHIN, ExponentFit, measured_exponents
from workbench.scaling.rule import Scaled
from workbench.scaling.sizes import sizes_of
from workbench.show.console import Command, exact_text
from workbench.show.table import Cell, Column, Printout, Table, cell, number

NOTE = f"{MAC}."


def scaled_printout(scaled: Scaled) -> Printout:
    """What `workbench scale` prints."""
    phi, given = scaled.phi, scaled.constants
    rule = PAPER_EXPONENTS.growth(given) ** phi
    says: list[str | Command] = [
        f"MACs {exact_text(scaled.cost.macs)}: {scaled.growth:.3f} times the base; asked for "
        f"{scaled.target:.3f} ({scaled.miss:+.1%}); alpha beta^1.5 gamma^2 gives {rule:.3f}.",
        f"Params {exact_text(scaled.cost.params)}: "
        f"{scaled.cost.params / scaled.base_cost.params:.3f} times.",
    ]
    if scaled.realised:
        shown = ", ".join(f"{value:.4g}" for value in scaled.realised)
        says.append(f"After rounding, the constants are ({shown}).")
    if scaled.overrides:
        network = " ".join((scaled.base.name, *scaled.overrides)).replace(", ", ",")
        command = Command(("workbench", "cost", *network.split()))
        says += ["The same network anywhere else:", command]
    title = f"{scaled.base.name} at phi {phi:g}, (alpha, beta, gamma) = {given}"
    return Printout((Table(title, SIZES, _sizes(scaled)),), says=(*says, NOTE))


SIZES = (
    Column("size", ("size",), "name"),
    Column("base", ("base",), rank=2),
    Column("ideal", ("ideal",), rank=1),
    Column("rounded", ("rounded",)),
    Column("moved by", ("moved",), "numbers", rank=3),
)


def _sizes(scaled: Scaled) -> list[tuple[Cell, ...]]:
    old, ideal, new, moved = sizes_of(scaled.base), scaled.ideal, scaled.sizes, scaled.moved()
    rows: list[tuple[str, Size | None, float | tuple[float, ...] | None, Size | None, str]] = [
        ("resolution", old.resolution, ideal.resolution, new.resolution, "resolution"),
        ("depth", old.depth, ideal.depth, new.depth, "depth"),
        ("dim", old.dim, ideal.dim, new.dim, "dim"),
        ("heads", old.heads, None, new.heads, ""),
        ("stem.dim", old.stem, ideal.stem, new.stem, "stem"),
        ("head.dim", old.head, ideal.head, new.head, "head"),
    ]
    shifts = {key: _shares(moved[key]) for *_, key in rows if key in moved}
    return [
        (cell(name), _size(before), cell(_floats(wanted)), _size(after), cell(shifts.get(key, "")))
        for name, before, wanted, after, key in rows
        if before is not None
    ]


COMPARED = (
    Column("size", ("size",), "name"),
    Column("published", ("published",), "numbers"),
    Column("rule", ("rule",), "numbers"),
    Column("", ("differs",), "name"),
    Column("its phi", ("phi",), rank=1),
    Column("model", ("model",), "name", files_only=True),
)


def comparison_printout(compared: Iterable[ModelBesideRule]) -> Printout:
    """What `workbench scale table` prints."""
    tail = (
        "The phi of the rule is the one whose network comes nearest in MACs; 'its phi' would give "
        "the published size. A model that followed the rule would have one in all rows, up to "
        "rounding."
    )
    return Printout(tuple(map(_compared, compared)), says=(tail, NOTE))


def _compared(found: ModelBesideRule) -> Table:
    return Table(
        title=f"{found.model}: as published, and by the rule from cmt_s at phi {found.phi:g}",
        columns=COMPARED,
        rows=[(*_beside(line), cell(found.model)) for line in found.lines],
        tones=["" if line.follows else "differs" for line in found.lines],
        notes=(f"Published: {found.source}",),
    )


def _beside(line: SizeBesideRule) -> tuple[Cell, ...]:
    exact = line.what in ("params", "macs")
    shown = (
        cell(exact_text(value), value) if exact and isinstance(value, int) else _size(value)
        for value in (line.published, line.rule)
    )
    mark = cell("" if line.follows else "differs", not line.follows)
    return (cell(line.what), *shown, mark, number(line.phi, "+.2f"))


EXPONENTS = (
    Column("size", ("size",), "name"),
    Column("measured", ("exponent",)),
    Column("paper", ("paper",)),
    Column("at the base", ("local",), rank=1),
    Column("fitted over", ("fitted_low", "fitted_high"), rank=2),
    Column("worst", ("worst",), rank=4),
    Column("holds over", ("valid_low", "valid_high"), rank=3),
)


def exponents_printout(base: str, fits: Sequence[ExponentFit], growth: float) -> Printout:
    """How MACs grow with each size, beside the paper's exponents."""
    rows = [
        (
            cell(fit.what),
            number(fit.exponent, ".3f"),
            number(fit.paper, "g"),
            number(fit.local, ".3f"),
            cell(_range(fit.fitted), *fit.fitted),
            number(fit.worst, ".1%"),
            cell(_range(fit.valid), *fit.valid),
        )
        for fit in fits
    ]
    title = f"{base}: MACs as powers of depth, dimension and resolution"
    says = (
        f"Constraint surface: {measured_exponents(fits)} = {growth:g}; the paper's: "
        f"{PAPER_EXPONENTS}.",
        f"Ranges are factors of the base's size; a power law holds where it is within "
        f"{WITHIN:.0%} of the exact MACs.",
    )
    return Printout((Table(title, EXPONENTS, rows),), says=says)


def _size(value: Size | None) -> Cell:
    """A size; of several stages, as data too, the sizes joined."""
    text = _text(value)
    return cell(text, text if isinstance(value, tuple) else value)


def _text(value: Size | None) -> str:
    if value is None:
        return ""
    if isinstance(value, tuple):
        return "-".join(map(str, value))
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def _floats(value: float | tuple[float, ...] | None) -> str:
    if value is None:
        return "kept"
    if isinstance(value, tuple):
        return "-".join(f"{each:.1f}" for each in value)
    return f"{value:.1f}"


def _shares(value: float | tuple[float, ...]) -> str:
    each = value if isinstance(value, tuple) else (value,)
    return " ".join(f"{share:+.1%}" for share in each)


def _range(span: tuple[float, float]) -> str:
    return f"{span[0]:.2f} to {span[1]:.2f}"
