"""Ctrl-C: the first one asks the sweep to stop, the second one ends it."""

import signal
import threading
from contextlib import ExitStack
from types import FrameType
from typing import Self

SIGNALS = (signal.SIGINT, signal.SIGTERM)  # a scheduler that takes the machine back sends TERM


class Interrupts:
    """While it is entered, `asked` says whether someone asked for the end.

    A second signal raises `KeyboardInterrupt`. Off the main thread, where Python allows no signal
    handlers, it does nothing.
    """

    def __init__(self) -> None:
        self._asked = False
        self._before = ExitStack()  # puts back what handled the signals

    def asked(self) -> bool:
        """Whether a signal came."""
        return self._asked

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._asked:
            raise KeyboardInterrupt
        self._asked = True

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                self._before.callback(signal.signal, number, signal.signal(number, self._handle))
        return self

    def __exit__(self, *error: object) -> None:
        self._before.close()
