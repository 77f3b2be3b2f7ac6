"""How much work a call does, counted in calls of functions: the same on an idle machine and a
loaded one, which seconds are not."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def at_most(calls: int) -> Iterator[None]:
    """Fail as soon as more functions than `calls` have been called, so that nothing hangs."""
    made = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal made
        made += event in ("call", "c_call")
        assert made <= calls, f"more than {calls:,} calls"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        yield
    finally:
        sys.setprofile(before)
    assert made <= calls, f"{made:,} calls"  # if what was called kept the failure for itself
