"""Plans of these tests may name the small networks."""

from tests.support.sweeps import small_zoo

__all__ = ["small_zoo"]
