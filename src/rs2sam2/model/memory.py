"""Memory that a process has had once stays with it, so that the kernel need not clear it again."""

from __future__ import annotations

import ctypes
import sys

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""Names that `mallopt` of the GNU C library knows its settings by (malloc.h)."""
KEPT = 1_000_000_000
"""Bytes: what is freed is given back from so much on; the large model's maps have some 20 million each."""


def keep_freed() -> bool:
    """Let the C library keep what torch frees for what it asks for next, in this process; whether it can (GNU's on Linux).

    A forward of the large model asks for gigabytes of memory, some megabytes at a time. Left to itself the library gives each
    piece back to the kernel, and the next one is cleared and mapped page by page.
    """
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and all(mallopt(name, KEPT) == 1 for name in (TRIM_THRESHOLD, MMAP_THRESHOLD))
