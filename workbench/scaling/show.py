"""Scaled networks, the published ones beside them, and exponents, for a terminal."""

from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from workbench.config import MAC
from workbench.scaling.constants import PAPER_EXPONENTS, Exponents
from workbench.scaling.exponents import WITHIN, Fit
from workbench.scaling.rule import Scaled
from workbench.scaling.sizes import sizes_of
from workbench.scaling.table import Comparison, Line, Value
from workbench.show.console import Column, Command, Row, Table, exact_text

NOTE = f"{MAC}."


def scaled_view(scaled: Scaled) -> RenderableType:
    """What `workbench scale` prints."""
    phi, given = scaled.phi, scaled.constants
    title = f"{scaled.base.name} at phi {phi:g}, (alpha, beta, gamma) = {given}"
    rule = PAPER_EXPONENTS.growth(given) ** phi
    lines = [
        f"MACs {exact_text(scaled.cost.macs)}: {scaled.growth:.3f} times the base; asked for "
        f"{scaled.target:.3f} ({scaled.miss:+.1%}); alpha beta^1.5 gamma^2 gives {rule:.3f}.",
        f"Params {exact_text(scaled.cost.params)}: "
        f"{scaled.cost.params / scaled.base_cost.params:.3f} times.",
    ]
    if scaled.realised:
        shown = ", ".join(f"{value:.4g}" for value in scaled.realised)
        lines.append(f"After rounding, the constants are ({shown}).")
    parts: list[RenderableType] = [Text(title, style="bold"), _sizes(scaled), *map(Text, lines)]
    if scaled.overrides:
        network = " ".join((scaled.base.name, *scaled.overrides)).replace(", ", ",")
        command = Command(("workbench", "cost", *network.split()))
        parts += [Text("The same network anywhere else:"), command]
    return Group(*parts, Text(NOTE))


SIZES = (
    Column("size", right=False),
    Column("base", rank=2),
    Column("ideal", rank=1),
    Column("rounded"),
    Column("moved by", rank=3, breaks=True),
)


def _sizes(scaled: Scaled) -> Table:
    old, ideal, new, moved = sizes_of(scaled.base), scaled.ideal, scaled.sizes, scaled.moved()
    rows: list[tuple[str, Value | None, float | tuple[float, ...] | None, Value | None, str]] = [
        ("resolution", old.resolution, ideal.resolution, new.resolution, "resolution"),
        ("depth", old.depth, ideal.depth, new.depth, "depth"),
        ("dim", old.dim, ideal.dim, new.dim, "dim"),
        ("heads", old.heads, None, new.heads, ""),
        ("stem.dim", old.stem, ideal.stem, new.stem, "stem"),
        ("head.dim", old.head, ideal.head, new.head, "head"),
    ]
    shifts = {key: _shares(moved[key]) for *_, key in rows if key in moved}
    return Table(
        SIZES,
        [
            Row((name, _text(before), _floats(wanted), _text(after), shifts.get(key, "")))
            for name, before, wanted, after, key in rows
            if before is not None
        ],
    )


COMPARED = (
    Column("size", right=False),
    Column("published", breaks=True),
    Column("rule", breaks=True),
    Column("", right=False),
    Column("its phi", rank=1),
)


def comparison_view(compared: Iterable[Comparison]) -> RenderableType:
    """What `workbench scale table` prints."""
    parts: list[RenderableType] = []
    for each in compared:
        title = f"{each.model}: as published, and by the rule from cmt_s at phi {each.phi:g}"
        table = Table(COMPARED, map(_compared, each.lines))
        source = Text(f"Published: {each.source}", style="dim")
        parts += [Text(title, style="bold"), table, source, Text()]
    tail = (
        "The phi of the rule is the one whose network comes nearest in MACs; 'its phi' would give "
        "the published size. A model that followed the rule would have one in all rows, up to "
        "rounding."
    )
    return Group(*parts, Text(tail), Text(NOTE))


def _compared(line: Line) -> Row:
    exact = line.what in ("params", "macs")
    shown = [exact_text(int(value)) if exact and not isinstance(value, tuple) else _text(value)
             for value in (line.published, line.rule)]  # fmt: skip
    phi = "" if line.phi is None else f"{line.phi:+.2f}"
    mark, style = ("", "") if line.follows else ("differs", "yellow")
    return Row((line.what, *shown, mark, phi), style)


EXPONENTS = (
    Column("size", right=False),
    Column("measured"),
    Column("paper"),
    Column("at the base", rank=1),
    Column("fitted over", rank=2),
    Column("worst", rank=4),
    Column("holds over", rank=3),
)


def exponents_view(base: str, fits: Sequence[Fit], growth: float) -> RenderableType:
    """How MACs grow with each size, beside the paper's exponents."""
    rows = [
        Row(
            (
                fit.what,
                f"{fit.exponent:.3f}",
                f"{fit.paper:g}",
                f"{fit.local:.3f}",
                _range(fit.fitted),
                f"{fit.worst:.1%}",
                _range(fit.valid),
            )
        )
        for fit in fits
    ]
    depth, dim, resolution = (fit.exponent for fit in fits)
    measured = Exponents(depth=depth, dim=dim, resolution=resolution)
    return Group(
        Text(f"{base}: MACs as powers of depth, dimension and resolution", style="bold"),
        Table(EXPONENTS, rows),
        Text(f"Constraint surface: {measured} = {growth:g}; the paper's: {PAPER_EXPONENTS}."),
        Text(
            f"Ranges are factors of the base's size; a power law holds where it is within "
            f"{WITHIN:.0%} of the exact MACs."
        ),
    )


def _text(value: Value | None) -> str:
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
