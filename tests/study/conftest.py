"""Studies in this process, with no worker to start."""

from contextlib import nullcontext

import pytest

from tests.support.studies import INLINE, InlineSite
from workbench.engine.choice import ENGINES


@pytest.fixture(autouse=True)
def inline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENGINES, INLINE.engine, lambda _: nullcontext(InlineSite()))
