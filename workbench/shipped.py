"""What ships with the package, and where it is.

In a checkout, plans and published numbers stand beside the package; a wheel has them inside it, in
folders of the same names (`tool.hatch` in `pyproject.toml`). Nothing else knows the difference.
"""

from pathlib import Path

from workbench.errors import InputError

PACKAGE = Path(__file__).resolve().parent
CHECKOUT = None if (PACKAGE / "ablations").is_dir() else PACKAGE.parent
PLANS = (CHECKOUT or PACKAGE) / "ablations"
PUBLISHED = (CHECKOUT or PACKAGE) / "results" / "published"


def in_checkout(path: str) -> Path:
    """What only a checkout of the project has. Raises `InputError` in an installed wheel."""
    if CHECKOUT is None or not (CHECKOUT / path).exists():
        raise InputError(f"{path}: comes with a checkout of the project only, not with its wheel")
    return CHECKOUT / path
