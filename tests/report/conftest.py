"""Plans of these tests may name the small networks."""

import pytest

from tests.support.sweeps import small_zoo

__all__ = ["small_zoo"]


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports without the figures of their runs, which take most of a report's time."""
    monkeypatch.setattr("workbench.report.write._draw", lambda *_: [])
