"""Make items in this thread while another one uses them up, a few at a time: inference here, blending and writing there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from queue import Empty, Full, Queue
from typing import TypeVar

T = TypeVar("T")
POLL_SECONDS = 0.2


class _Stop(Exception):
    """The producer failed: the consumer has to end too."""


class _Abort:
    """Marks that no whole stream comes."""


_END = object()


def consume(items: Iterable[T], consumer: Callable[[Iterator[T]], None], waiting: int) -> None:
    """Run ``consumer`` on the items in a thread of its own, with at most ``waiting`` items made ahead.

    Returns when both are done. An error on either side, Ctrl-C here included, ends both and is raised here.
    """
    queue: Queue[object] = Queue(waiting)
    errors: list[BaseException] = []

    def stream() -> Iterator[T]:
        while (item := queue.get()) is not _END:
            if isinstance(item, _Abort):
                raise _Stop
            yield item  # type: ignore[misc]

    def work() -> None:
        try:
            consumer(stream())
        except _Stop:
            pass
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=work, name="write")
    thread.start()
    try:
        for item in items:
            _put(queue, item, thread)
            if errors:
                break
        _put(queue, _END, thread)
    except BaseException:
        while thread.is_alive():  # room for the word that stops it
            try:
                queue.get_nowait()
            except Empty:
                break
        _put(queue, _Abort(), thread)
        raise
    finally:
        thread.join()
        close = getattr(items, "close", None)
        if close is not None:
            close()
    if errors:
        raise errors[0]


def _put(queue: Queue[object], item: object, thread: threading.Thread) -> None:
    while thread.is_alive():
        try:
            queue.put(item, timeout=POLL_SECONDS)
            return
        except Full:
            continue
