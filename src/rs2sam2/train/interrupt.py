"""SIGTERM and Ctrl-C noted, so that a run can save before it leaves. A second Ctrl-C leaves at once.

A signal often comes twice at the same moment, to the process and to its group, so only a later one counts as second.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, NoReturn

WATCHED = (signal.SIGINT, signal.SIGTERM)
PATIENCE = 1.0
"""Seconds within which a signal is the same one again."""


class Interrupt:
    """A context in which `signal` is the number of the signal that came, or 0."""

    def __init__(self) -> None:
        self.signal = 0
        self._before: dict[int, Any] = {}
        self._when = 0.0

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():  # elsewhere Python allows no handlers
            for number in WATCHED:
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if not self.signal:
            self.signal, self._when = number, now
        elif number == signal.SIGINT and now - self._when > PATIENCE:
            raise KeyboardInterrupt

    @staticmethod
    @contextmanager
    def held_back() -> Iterator[None]:
        """While processes that load data are started: a signal waits until each has come to `ignore` it.

        It would end one that is still starting, and with it the run, before anything is saved.
        """
        if sys.platform == "win32":
            yield
            return
        before = signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    @staticmethod
    def ignore(worker: int) -> None:
        """For processes that load data: whoever signals the whole group means the one that trains, which ends them."""
        for number in WATCHED:
            signal.signal(number, signal.SIG_IGN)
        if sys.platform != "win32":
            signal.pthread_sigmask(signal.SIG_UNBLOCK, WATCHED)  # inherited, see `held_back`

    def leave(self, number: int) -> NoReturn:
        """End as the signal would have ended the process: KeyboardInterrupt, or exit code 143 for SIGTERM."""
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        raise SystemExit(128 + number)
