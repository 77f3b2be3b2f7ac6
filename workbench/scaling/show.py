"""Scaled networks, the published ones beside them, and exponents, for a terminal."""

from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from workbench.config import MAC
from workbench.scaling.constants import PAPER_EXPONENTS, Exponents
from workbench.scaling.exponents import WITHIN, Fit
from workbench.scaling.rule import Scaled
from workbench.scaling.sizes import sizes_of
from workbench.scaling.table import Comparison, Value

NOTE = f"{MAC}."


def scaled_view(scaled: Scaled) -> RenderableType:
    """What `workbench scale` prints."""
    phi, given = scaled.phi, scaled.constants
    title = f"{scaled.base.name} at phi {phi:g}, (alpha, beta, gamma) = {given}"
    rule = PAPER_EXPONENTS.growth(given) ** phi
    lines = [
        f"MACs {scaled.cost.macs:,}: {scaled.growth:.3f} times the base; asked for "
        f"{scaled.target:.3f} ({scaled.miss:+.1%}); alpha beta^1.5 gamma^2 gives {rule:.3f}.",
        f"Params {scaled.cost.params:,}: {scaled.cost.params / scaled.base_cost.params:.3f} times.",
    ]
    if scaled.realised:
        shown = ", ".join(f"{value:.4g}" for value in scaled.realised)
        lines.append(f"After rounding, the constants are ({shown}).")
    if scaled.overrides:
        quoted = " ".join(f'"{text}"' for text in scaled.overrides)
        lines.append(f"The same network anywhere else: {scaled.base.name} {quoted}")
    plain = [Text(line) for line in (*lines, NOTE)]
    return Group(Text(title, style="bold"), _sizes(scaled), *plain)


def _sizes(scaled: Scaled) -> Table:
    table = _table("", "base", "ideal", "rounded", "moved by")
    old, ideal, new, moved = sizes_of(scaled.base), scaled.ideal, scaled.sizes, scaled.moved()
    rows: list[tuple[str, Value | None, float | tuple[float, ...] | None, Value | None, str]] = [
        ("resolution", old.resolution, ideal.resolution, new.resolution, "resolution"),
        ("depth", old.depth, ideal.depth, new.depth, "depth"),
        ("dim", old.dim, ideal.dim, new.dim, "dim"),
        ("heads", old.heads, None, new.heads, ""),
        ("stem.dim", old.stem, ideal.stem, new.stem, "stem"),
        ("head.dim", old.head, ideal.head, new.head, "head"),
    ]
    for name, before, wanted, after, key in rows:
        if before is not None:
            shift = _shares(moved[key]) if key in moved else ""
            table.add_row(name, _text(before), _floats(wanted), _text(after), shift)
    return table


def comparison_view(compared: Iterable[Comparison]) -> RenderableType:
    """What `workbench scale table` prints."""
    parts: list[RenderableType] = []
    for each in compared:
        title = f"{each.model}: as published, and by the rule from cmt_s at phi {each.phi:g}"
        table = _table("", "published", "rule", "", "phi that would give it")
        for line in each.lines:
            mark = "" if line.follows else "differs"
            phi = "" if line.phi is None else f"{line.phi:+.2f}"
            style = "" if line.follows else "yellow"
            table.add_row(
                line.what, _text(line.published), _text(line.rule), mark, phi, style=style
            )
        parts += [Text(title, style="bold"), table, Text(f"Published: {each.source}", style="dim")]
    tail = (
        "phi is the one whose network comes nearest in MACs. A model that followed the rule would "
        "have one phi in the last column, up to rounding."
    )
    return Group(*parts, Text(tail), Text(NOTE))


def exponents_view(base: str, fits: Sequence[Fit], growth: float) -> RenderableType:
    """How MACs grow with each size, beside the paper's exponents."""
    table = _table("", "measured", "paper", "at the base", "fitted over", "worst", "holds over")
    for fit in fits:
        table.add_row(
            fit.what,
            f"{fit.exponent:.3f}",
            f"{fit.paper:g}",
            f"{fit.local:.3f}",
            _range(fit.fitted),
            f"{fit.worst:.1%}",
            _range(fit.valid),
        )
    depth, dim, resolution = (fit.exponent for fit in fits)
    measured = Exponents(depth=depth, dim=dim, resolution=resolution)
    return Group(
        Text(f"{base}: MACs as powers of depth, dimension and resolution", style="bold"),
        table,
        Text(f"Constraint surface: {measured} = {growth:g}; the paper's: {PAPER_EXPONENTS}."),
        Text(
            f"Ranges are factors of the base's size; a power law holds where it is within "
            f"{WITHIN:.0%} of the exact MACs."
        ),
    )


def _table(*titles: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for index, title in enumerate(titles):
        table.add_column(title, justify="right" if index else "left", overflow="fold")
    return table


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
