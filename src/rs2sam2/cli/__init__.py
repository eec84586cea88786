"""The command line. One module per command, each thin; results on stdout, progress and errors on stderr.

Exit codes: 0 ok, 1 a bug, 2 usage, 3 nothing found, 4 part of a batch failed, 5 weights or data missing, 130 interrupted,
143 terminated.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from types import FrameType

from cyclopts import App, CycloptsError

from rs2sam2 import __version__
from rs2sam2.cli.batch import batch
from rs2sam2.cli.bench import bench
from rs2sam2.cli.data import app as data_app
from rs2sam2.cli.demo import demo
from rs2sam2.cli.doctor import doctor
from rs2sam2.cli.evaluate import compare, evaluate, score
from rs2sam2.cli.export import export
from rs2sam2.cli.pack import pack
from rs2sam2.cli.segment import segment
from rs2sam2.cli.train import train
from rs2sam2.cli.weights import export_weights, import_weights, info
from rs2sam2.errors import RS2SAM2Error

INTERRUPTED = 130
TERMINATED = 128 + signal.SIGTERM


class Terminated(KeyboardInterrupt):
    """SIGTERM, as schedulers send it: a command ends as by Ctrl-C, and leaves nothing half-written."""


app = App(
    name="rs2sam2",
    help="Find what a phrase refers to in an overhead image.",
    version=__version__,
    exit_on_error=False,
    print_error=False,
    suppress_keyboard_interrupt=False,
    result_action="return_value",
)
app.command(segment)
app.command(batch)
app.command(evaluate)
app.command(score)
app.command(compare)
app.command(demo)
app.command(train)
app.command(import_weights)
app.command(export_weights)
app.command(pack)
app.command(export)
app.command(info)
app.command(bench)
app.command(doctor)
app.command(data_app)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command and give its exit code; every expected error is one line on stderr."""
    code = _run(arguments)
    try:
        sys.stdout.flush()  # here, where a closed pipe and a full disk are understood, not when the interpreter ends
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the interpreter, which flushes again
        if code == 0 and not isinstance(error, BrokenPipeError):
            return _fail(f"cannot write the result: {error.strerror}", 2)
    return code


def _run(arguments: Sequence[str] | None) -> int:
    try:
        code = app(arguments)
    except CycloptsError as error:
        message = " ".join(str(error).split())
        return _fail(f"{message} Try 'rs2sam2 --help'.", 2)
    except RS2SAM2Error as error:
        return _fail(" ".join(str(error).split()), error.exit_code)
    except Terminated:
        return _fail("terminated", TERMINATED)
    except KeyboardInterrupt:
        return _fail("interrupted", INTERRUPTED)
    except BrokenPipeError:  # the reader of our output has gone, as in `| head`
        return 0
    except SystemExit as error:  # how rich, which prints the help, says the same
        if not isinstance(error.__context__, BrokenPipeError):
            raise
        return 0
    except OSError as error:  # a folder that may not be looked into, a full disk; without a name it is a bug
        if error.filename is None and error.errno != errno.ENOSPC:
            raise
        return _fail(": ".join(str(part) for part in (error.filename, error.strerror) if part), 2)
    return code if isinstance(code, int) else 0


def _fail(message: str, code: int) -> int:
    sys.stderr.write(f"rs2sam2: {message}\n")
    return code


def main() -> None:
    """Entry point of the command `rs2sam2`."""
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # torch, not imported yet, then asks Linux for large pages
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed, as by `>&-`
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123 - until the end
    if isinstance(sys.stdout, TextIOWrapper) and sys.stdout.errors == "strict":  # names of files may hold any bytes
        sys.stdout.reconfigure(errors="backslashreplace")
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _terminate)
        if hasattr(os, "register_at_fork"):  # processes that a command starts and ends by this signal just end
            os.register_at_fork(after_in_child=lambda: signal.signal(signal.SIGTERM, signal.SIG_DFL))
    sys.exit(run())


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated
