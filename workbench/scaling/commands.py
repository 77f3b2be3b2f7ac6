"""What the commands call: plain arguments in; data for `--json` and what is printed out."""

from collections.abc import Sequence
from typing import NamedTuple

from workbench.models import spec
from workbench.parsing import parse
from workbench.scaling.beside_published import published_beside_rule
from workbench.scaling.constants import GROWTH, PAPER, constants
from workbench.scaling.exponents import measure
from workbench.scaling.printouts import comparison_printout, exponents_printout, scaled_printout
from workbench.scaling.rule import scale
from workbench.scaling.sizes import Rounding
from workbench.show.table import Printout


class RawAndText(NamedTuple):
    """The same numbers twice: unrounded, and for people."""

    data: object
    printout: Printout


def scale_command(
    base: str,
    overrides: Sequence[str] = (),
    phi: float = 1.0,
    alpha: float = PAPER.alpha,
    beta: float = PAPER.beta,
    gamma: float = PAPER.gamma,
    rounding: Sequence[str] = (),
) -> RawAndText:
    """`workbench scale cmt_s --phi 1`. `rounding` holds KEY=VALUE of the rounding rule."""
    rule = rounding_rule(rounding)
    scaled = scale(spec(base, *overrides), constants(alpha, beta, gamma), phi, rule)
    return RawAndText(scaled.to_json(), scaled_printout(scaled))


def table_command(rounding: Sequence[str] = ()) -> RawAndText:
    """`workbench scale table`: the published CMT models beside the rule."""
    compared = published_beside_rule(rounding=rounding_rule(rounding))
    return RawAndText([each.to_json() for each in compared], comparison_printout(compared))


def exponents_command(base: str, overrides: Sequence[str] = ()) -> RawAndText:
    """`workbench scale exponents cmt_s`: how MACs really grow around a base."""
    network = spec(base, *overrides)
    fits = measure(network)
    return RawAndText(
        [fit.to_json() for fit in fits], exponents_printout(network.name, fits, GROWTH)
    )


def rounding_rule(texts: Sequence[str]) -> Rounding:
    """`["depth=total", "heads=scale"]` as a rounding rule."""
    pairs = [text.partition("=") for text in texts]
    return parse(Rounding, {key.strip(): value.strip() for key, _, value in pairs}, "rounding")
