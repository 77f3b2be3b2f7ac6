"""Workers of a sweep that was killed: they are to be gone before another one has their runs."""

import shutil
import time
from pathlib import Path

from workbench.engine.slurm.mailbox import (
    PATIENCE_SECONDS,
    PREFIX,
    close,
    have_left,
    ids_of,
)
from workbench.engine.slurm.queue import ENDED, cancel, states_of

LOOK_SECONDS = 0.2
MARGIN_SECONDS = 10.0  # within which a worker notices that its patience is over


def end_earlier(runs: Path) -> None:
    """Have the jobs end that killed sweeps left in this folder of runs; wait until they have.

    A job that can't be asked is gone after as long as it would wait for its sweep.
    """
    left = sorted(runs.glob(f"{PREFIX}*"))
    for mailbox in left:
        close(mailbox)
        cancel(ids_of(mailbox))
    deadline = time.monotonic() + PATIENCE_SECONDS + MARGIN_SECONDS
    for mailbox in left:
        while time.monotonic() < deadline and not have_left(mailbox) and not _ended(mailbox):
            time.sleep(LOOK_SECONDS)
        shutil.rmtree(mailbox, ignore_errors=True)


def _ended(mailbox: Path) -> bool:
    """Whether Slurm says so; no where there is none to ask."""
    ids = ids_of(mailbox)
    states = states_of(ids)
    return states is not None and all(states.get(each, ENDED[0]) in ENDED for each in ids)
