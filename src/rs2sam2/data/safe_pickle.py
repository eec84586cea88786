"""Reads pickles of plain containers, numbers and strings, and runs nothing.

A pickle is a program. Python's own unpickler, even with `find_class` forbidden, can still be made to reserve memory
without bound (a memo slot numbered 2**31) or to overflow the stack (a million nested tuples as a dictionary's key).
So the file is not given to it at all: this is a small interpreter that knows the opcodes plain data needs. Whatever
else stands in the file, a global, a call, a persistent id, an extension, bytes, a set, is refused with its name.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

from rs2sam2.errors import DataError

MAX_BYTES = 2**28
"""A longer file is refused. RRSIS-D's `refs(unc).p`, the largest known, has a few million bytes."""

_FIXED = {"J": "<i", "K": "<B", "M": "<H", "G": ">d"}  # BININT, BININT1, BININT2, BINFLOAT
_TEXT = {"\x8c": "<B", "X": "<I", "\x8d": "<Q", "U": "<B", "T": "<i"}  # strings with their length before them
_PUT = {"q": "<B", "r": "<I"}
_GET = {"h": "<B", "j": "<I"}
_CONSTANT = {"N": None, "\x88": True, "\x89": False}
_EMPTY = {"]": list, "}": dict, ")": tuple}
_TUPLE = {"\x85": 1, "\x86": 2, "\x87": 3}
_REFUSED = {
    "c": "a global", "\x93": "a global", "R": "a call", "i": "an instance", "o": "an instance", "\x81": "an instance",
    "\x92": "an instance", "b": "an object's state", "P": "a persistent id", "Q": "a persistent id",
    "\x82": "an extension", "\x83": "an extension", "\x84": "an extension", "C": "bytes", "B": "bytes",
    "\x8e": "bytes", "\x96": "bytes", "\x97": "a buffer", "\x98": "a buffer", "\x8f": "a set", "\x90": "a set",
    "\x91": "a set",
}  # fmt: skip
_MARK = object()


def load(path: str | Path) -> Any:
    """The plain data in a pickle file. Raises DataError where it is missing, damaged or holds anything else."""
    path = Path(path)
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise DataError(f"{path} has {size:,} bytes; more than {MAX_BYTES:,} are not read as a pickle")
        return loads(path.read_bytes(), str(path))
    except FileNotFoundError:
        raise DataError(f"no file {path}; download the data set again") from None


def loads(data: bytes, name: str = "pickle") -> Any:
    """The plain data in a pickle of any protocol, with dictionary keys that are strings or integers.

    Raises DataError, naming what was found where, for anything but None, bool, int, float, str, list, tuple and dict.
    """
    reader = _Interpreter(data)
    try:
        return reader.run()
    except _Refusal as refusal:
        raise DataError(
            f"{name} asks for {refusal} at byte {reader.at:,}; only plain lists, dicts, numbers and strings are "
            "read and nothing was run; do not open it elsewhere, download it again from its authors"
        ) from None
    except (struct.error, IndexError, KeyError, ValueError, TypeError, OverflowError) as error:
        raise DataError(
            f"{name} is not a whole pickle ({type(error).__name__} at byte {reader.at:,} of {len(data):,}); "
            "download it again"
        ) from None


class _Refusal(Exception):
    """Something that is not plain data."""


class _Interpreter:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}  # a dict: a slot's number costs no memory

    def run(self) -> Any:
        stack, memo = self.stack, self.memo
        while True:
            code = chr(self.data[self.at])
            self.at += 1
            if code in _TEXT:
                # Python 2 wrote byte strings (U, T, S); RefCOCO's are Latin-1 at worst.
                self.push(self.take(self.number(_TEXT[code])).decode("latin-1" if code in "UT" else "utf-8"))
            elif code == "\x94":  # MEMOIZE
                memo[len(memo)] = stack[-1]
            elif code in _PUT:
                memo[self.number(_PUT[code])] = stack[-1]
            elif code in _GET:
                self.push(memo[self.number(_GET[code])])
            elif code in _FIXED:
                self.push(self.number(_FIXED[code]))
            elif code in _CONSTANT:
                self.push(_CONSTANT[code])
            elif code in _EMPTY:
                self.push(_EMPTY[code]())
            elif code == "(":
                self.push(_MARK)
            elif code in "aelsudt":  # APPEND, APPENDS, LIST, SETITEM, SETITEMS, DICT, TUPLE
                self.fill(code)
            elif code in _TUPLE:
                items = [self.pop() for _ in range(_TUPLE[code])]
                self.push(tuple(reversed(items)))
            elif code == ".":
                result = self.pop()
                if stack:
                    raise ValueError("items left over")
                return result
            elif code == "\x80":  # PROTO
                if self.number("<B") > 5:
                    raise ValueError("unknown protocol")
            elif code == "\x95":  # FRAME: a hint for buffering
                self.number("<Q")
            elif code == "0":
                stack.pop()
            elif code == "1":
                self.since_mark()
            elif code == "2":
                self.push(stack[-1])
            else:
                self.rare(code)

    def rare(self, code: str) -> None:
        """Opcodes of protocols 0 and 1, long integers, and what is refused."""
        if code in "ILFSVpg":
            line = self.line()
            if code in "IL":
                if len(line) > 40:
                    raise ValueError("integer of too many digits")
                self.push(line == b"01" if line in (b"00", b"01") else int(line.removesuffix(b"L")))
            elif code == "F":
                self.push(float(line))
            elif code == "S":
                if len(line) < 2 or line[:1] != line[-1:] or line[:1] not in b"'\"":
                    raise ValueError("unquoted string")
                self.push(line[1:-1].decode("unicode_escape"))
            elif code == "V":
                self.push(line.decode("raw_unicode_escape"))
            elif code == "p":
                self.memo[int(line[:20])] = self.stack[-1]
            else:
                self.push(self.memo[int(line[:20])])
        elif code in "\x8a\x8b":  # LONG1, LONG4
            raw = self.take(self.number("<B" if code == "\x8a" else "<i"))
            if len(raw) > 16:
                raise ValueError("integer of too many bytes")
            self.push(int.from_bytes(raw, "little", signed=True))
        elif code in _REFUSED:
            names: list[Any] = []
            if code == "c":
                names = [self.line().decode("ascii", "replace"), self.line().decode("ascii", "replace")]
            elif code == "\x93":
                names = self.stack[-2:]
            named = " " + ".".join(n[:40] for n in names if isinstance(n, str)) if names else ""
            raise _Refusal(f"{_REFUSED[code]}{named}")
        else:
            raise ValueError("unknown opcode")

    def fill(self, code: str) -> None:
        if code == "a":
            item = self.pop()
            self.target(list).append(item)
        elif code == "s":
            value, key = self.pop(), self.pop()
            self.store(self.target(dict), [key, value])
        else:
            items = self.since_mark()
            if code == "e":
                self.target(list).extend(items)
            elif code == "u":
                self.store(self.target(dict), items)
            elif code == "d":
                self.push(self.store({}, items))
            else:
                self.push(items if code == "l" else tuple(items))

    def store(self, into: dict[Any, Any], items: list[Any]) -> dict[Any, Any]:
        if len(items) % 2:
            raise ValueError("a key without a value")
        for key, value in zip(items[::2], items[1::2], strict=True):
            if not isinstance(key, str | int):
                raise _Refusal(f"a dictionary key of type {type(key).__name__}")
            into[key] = value
        return into

    def target(self, kind: type) -> Any:
        if type(self.stack[-1]) is not kind:
            raise TypeError("a container of another kind")
        return self.stack[-1]

    def since_mark(self) -> list[Any]:
        at = len(self.stack) - 1
        while self.stack[at] is not _MARK:
            at -= 1
            if at < 0:
                raise IndexError("no mark")
        items = self.stack[at + 1 :]
        del self.stack[at:]
        return items

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def pop(self) -> Any:
        value = self.stack.pop()
        if value is _MARK:
            raise ValueError("a mark in place of a value")
        return value

    def number(self, form: str) -> Any:
        (value,) = struct.unpack_from(form, self.data, self.at)
        self.at += struct.calcsize(form)
        return value

    def take(self, count: int) -> bytes:
        piece = self.data[self.at : self.at + count]
        if count < 0 or len(piece) != count:
            raise ValueError("cut off")
        self.at += count
        return piece

    def line(self) -> bytes:
        end = self.data.index(b"\n", self.at)
        piece = self.data[self.at : end].rstrip(b"\r")
        self.at = end + 1
        return piece
