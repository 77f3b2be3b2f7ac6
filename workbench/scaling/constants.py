"""The constants of compound scaling, and the exponents by which cost is said to follow them."""

from math import isfinite, log

from workbench.config import Frozen
from workbench.errors import InputError

GROWTH = 2.5  # of the MACs for each unit of phi, "about"; CMT paper, section 3.4
NAMES = ("alpha", "beta", "gamma")
WHAT = ("depth", "dim", "resolution")  # what each of them scales
MOST_PHI = 10.0  # 2.5^10 is a factor of ten thousand


class Constants(Frozen):
    """Depth grows as alpha^phi, dimension as beta^phi, resolution as gamma^phi."""

    alpha: float
    beta: float
    gamma: float

    def each(self) -> tuple[float, float, float]:
        """Alpha, beta, gamma."""
        return self.alpha, self.beta, self.gamma

    def __str__(self) -> str:
        return f"({self.alpha:.4g}, {self.beta:.4g}, {self.gamma:.4g})"


class Exponents(Frozen):
    """MACs are taken to grow as alpha^depth * beta^dim * gamma^resolution."""

    depth: float
    dim: float
    resolution: float

    def each(self) -> tuple[float, float, float]:
        """Of depth, dimension, resolution."""
        return self.depth, self.dim, self.resolution

    def growth(self, constants: Constants) -> float:
        """By how much the MACs grow at phi = 1."""
        depth, dim, resolution = self.each()
        alpha, beta, gamma = constants.each()
        return float(alpha**depth * beta**dim * gamma**resolution)

    def __str__(self) -> str:
        return f"alpha^{self.depth:.3g} beta^{self.dim:.3g} gamma^{self.resolution:.3g}"


# The CMT paper (arXiv:2107.06263), section 3.4.
PAPER = Constants(alpha=1.2, beta=1.3, gamma=1.15)
PAPER_EXPONENTS = Exponents(depth=1.0, dim=1.5, resolution=2.0)


def constants(alpha: float, beta: float, gamma: float) -> Constants:
    """The three, checked: `InputError` for one below 1 or not finite."""
    for name, value in zip(NAMES, (alpha, beta, gamma), strict=True):
        if not isfinite(value) or value < 1:
            paper = getattr(PAPER, name)
            raise InputError(
                f"{value} is refused: it must be finite and at least 1; nearest: 1 "
                f"(the paper has {paper})",
                key=name,
            )
    return Constants(alpha=alpha, beta=beta, gamma=gamma)


def check_phi(phi: float) -> float:
    """Raises `InputError` for one that is not finite, or absurd."""
    if not isfinite(phi) or abs(phi) > MOST_PHI:
        nearest = f"; nearest: {MOST_PHI if phi > 0 else -MOST_PHI:g}" if phi == phi else ""
        raise InputError(
            f"{phi} is refused: it must lie in -{MOST_PHI:g} to {MOST_PHI:g}{nearest}", key="phi"
        )
    return phi


def along_the_ray(given: Constants, exponents: Exponents, growth: float) -> Constants:
    """The point with `growth` in the direction of `given`: the same mix, at another phi.

    The paper's constants multiply to 2.35, not 2.5; this is where their direction meets 2.5.
    """
    phi = log(growth) / log(exponents.growth(given))
    alpha, beta, gamma = (value**phi for value in given.each())
    return Constants(alpha=alpha, beta=beta, gamma=gamma)
