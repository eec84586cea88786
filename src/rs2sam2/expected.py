"""Warnings that are expected, silenced by one thread at a time.

`warnings.catch_warnings` exchanges the filters of the whole process: of two threads inside it, the first to leave takes
the other's filter away (Python before 3.14). Pictures and scenes are read and written by several. Libraries do so themselves, too:
rasterio's `shapes`, `rasterize` and `geometry_mask` and shapely's `is_valid`, which are called within `one_at_a_time`.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_LOCK = threading.RLock()


def one_at_a_time() -> threading.RLock:
    """For calls that exchange the filters themselves: ``with one_at_a_time(): ...``."""
    return _LOCK


@contextmanager
def expected(category: type[Warning] = Warning, message: str = "") -> Iterator[None]:
    """Within it, warnings of this category whose text matches the regular expression `message` are not shown."""
    with _LOCK, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=message, category=category)
        yield
