"""Where commands write: results on stdout, progress on stderr."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from rs2sam2.errors import UsageError

stderr = Console(stderr=True)


def say(text: str) -> None:
    """One line of a result."""
    sys.stdout.write(text + "\n")


def say_json(value: Any) -> None:
    """A result for programs, with JSON's own escapes where stdout cannot hold the text as it is."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(value, indent=2)
    sys.stdout.write(text + "\n")


@contextmanager
def progress(what: str, total: int) -> Iterator[Progress]:
    """A progress bar with one task (`bar.advance(bar.task_ids[0])`) that vanishes when done; silent where stderr is no terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=stderr, transient=True, disable=not stderr.is_terminal) as bar:
        bar.add_task(what, total=total)
        yield bar


def follow(bar: Progress) -> Callable[[int, int], None]:
    """What the library calls with (done, total), for the one task of a bar."""
    return lambda done, total: bar.update(bar.task_ids[0], completed=done, total=total)


def check_writable(target: Path, *, folder: bool) -> None:
    """Say at once, before the work, that a file or folder could not be written. Raises UsageError."""
    wanted = target if folder else target.parent
    if not folder and target.is_dir():
        raise UsageError(f"cannot write {target}: it is a folder; choose another output with -o")
    existing = next(p for p in (wanted, *wanted.absolute().parents) if p.exists())
    if not existing.is_dir():
        raise UsageError(f"cannot write {target}: {existing} is not a folder; choose another output with -o")
    if not os.access(existing, os.W_OK):
        raise UsageError(f"cannot write {target}: no permission in {existing}; choose another output with -o")
