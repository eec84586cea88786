"""Make items in this thread while another one uses them up, a few at a time: inference here, blending and writing there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from queue import Empty, Full, Queue
from typing import TypeVar

T = TypeVar("T")
POLL_SECONDS = 0.2


class _Stop(Exception):
    """The producer failed: the consumer has to end too."""


_END = object()


def consume(items: Iterable[T], consumer: Callable[[Iterator[T]], None], waiting: int) -> None:
    """Run ``consumer`` on the items in a thread of its own, with at most ``waiting`` items made ahead.

    Returns when both are done. An error on either side, Ctrl-C here included, ends both and is raised here.
    """
    queue: Queue[object] = Queue(waiting)
    given_up = threading.Event()  # not a word in the queue, which a second Ctrl-C could keep from getting there
    ended = threading.Event()  # not Thread.join: a Ctrl-C within it makes Python 3.11 take the thread for ended
    errors: list[BaseException] = []

    def stream() -> Iterator[T]:
        while not given_up.is_set():
            try:
                item = queue.get(timeout=POLL_SECONDS)
            except Empty:
                continue
            if item is _END:
                return
            yield item  # type: ignore[misc]
        raise _Stop

    def work() -> None:
        try:
            consumer(stream())
        except _Stop:
            pass
        except BaseException as error:
            errors.append(error)
        finally:
            ended.set()

    thread = threading.Thread(target=work, name="write")
    thread.start()
    try:
        for item in items:
            _put(queue, item, ended)
            if errors:
                break
        _put(queue, _END, ended)
        ended.wait()
    except BaseException:
        given_up.set()
        raise
    finally:
        _wait(ended)
        thread.join()
        close = getattr(items, "close", None)
        if close is not None:
            close()
    if errors:
        raise errors[0]


def _put(queue: Queue[object], item: object, ended: threading.Event) -> None:
    while not ended.is_set():
        try:
            queue.put(item, timeout=POLL_SECONDS)
            return
        except Full:
            continue


def _wait(ended: threading.Event) -> None:
    """However often Ctrl-C is pressed: the caller takes away what the other thread writes to."""
    while not ended.is_set():
        with suppress(KeyboardInterrupt):
            ended.wait()
