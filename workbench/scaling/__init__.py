"""Compound scaling, sizes only: the rule and what rounding makes of it, its rivals, exponents."""

from workbench.scaling.beside_published import ModelBesideRule, published_beside_rule
from workbench.scaling.constants import GROWTH, PAPER, PAPER_EXPONENTS, Constants, Exponents
from workbench.scaling.exponents import ExponentFit, measure, measured_exponents
from workbench.scaling.rule import Scaled, scale
from workbench.scaling.sizes import Rounding
from workbench.scaling.strategies import STRATEGIES, Solved, solve
from workbench.scaling.surface import Surface, surface

__all__ = [
    "GROWTH",
    "PAPER",
    "PAPER_EXPONENTS",
    "STRATEGIES",
    "Constants",
    "ExponentFit",
    "Exponents",
    "ModelBesideRule",
    "Rounding",
    "Scaled",
    "Solved",
    "Surface",
    "measure",
    "measured_exponents",
    "published_beside_rule",
    "scale",
    "solve",
    "surface",
]
