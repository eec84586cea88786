"""Writing files and folders so that nobody ever sees half of one."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from rs2sam2.errors import UsageError


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A temporary path in the folder of `path`; it becomes `path` if the block ends well and vanishes if not.

    The name is unique, so several processes may write the same file at once: the last one wins, whole.
    The folder is created. The suffix is kept, because many writers choose the format by it.
    Raises UsageError where the folder cannot be made or written, or the disk is full.
    """
    path = Path(path)
    temporary = path.with_name(f".{uuid.uuid4().hex[:12]}.tmp{path.suffix}")  # shorter than most: names have a limit
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _cannot_write(path, error) from None
    try:
        yield temporary
        os.replace(temporary, path)  # noqa: PTH105 - says what it does: atomic, on every platform
    except OSError as error:
        raise _cannot_write(path, error) if _is_about(error, temporary) else error from None
    finally:
        with suppress(OSError):  # the reason was said before
            temporary.unlink(missing_ok=True)


@contextmanager
def atomic(path: Path) -> Iterator[BinaryIO]:
    """A binary file that becomes `path` if the block ends well, on the disk by then, and vanishes if not.

    Raises UsageError as `replacing`.
    """
    with replacing(path) as temporary, temporary.open("wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def new_folder(path: str | Path) -> Iterator[Path]:
    """A temporary folder beside `path`; it becomes `path` if the block ends well and vanishes if not.

    Raises UsageError where `path` is there and not an empty folder, or cannot be made.
    """
    path = Path(path)
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise UsageError(f"{path} is not an empty folder; remove it or name another")
    temporary = path.absolute().with_name(f".{uuid.uuid4().hex[:12]}.tmp")
    try:
        temporary.mkdir(parents=True)
    except OSError as error:
        raise _cannot_write(path, error) from None
    try:
        yield temporary
        if path.exists():
            path.rmdir()
        temporary.rename(path)
    except OSError as error:
        raise _cannot_write(path, error) if _is_about(error, temporary) else error from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_text(path: str | Path, text: str) -> None:
    """`text` to `path` in UTF-8 with `\\n` line ends, whole or not at all. Raises UsageError as `replacing`."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def _is_about(error: OSError, written: Path) -> bool:
    """Whether an error is about what is being written (or names no file: the disk is full), not about a file read."""
    return error.filename is None or Path(os.fsdecode(error.filename)).is_relative_to(written)


def _cannot_write(path: Path, error: OSError) -> UsageError:
    return UsageError(f"cannot write {path}: {error.strerror or error}; choose another output")
