"""Studies in this process, with no worker to start."""

from collections.abc import Iterator

import pytest

from tests.support.inline import with_inline


@pytest.fixture(autouse=True, scope="package")
def inline() -> Iterator[None]:
    with with_inline():
        yield
