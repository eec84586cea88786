"""TensorBoard's event files, written without TensorBoard: scalars and PNG pictures.

The format is a sequence of records (length, checksum, data, checksum), each a protocol-buffer message `Event`:
https://github.com/tensorflow/tensorboard/blob/master/tensorboard/compat/proto/event.proto and summary.proto; the
record is TFRecord's, its checksum CRC-32C, masked. `tensorboard --logdir RUN` shows them.
"""

from __future__ import annotations

import os
import socket
import struct
import time
from pathlib import Path
from typing import BinaryIO

_POLYNOMIAL = 0x82F63B78  # CRC-32C (Castagnoli), reflected


def _table() -> tuple[int, ...]:
    out = []
    for n in range(256):
        for _ in range(8):
            n = n >> 1 ^ _POLYNOMIAL if n & 1 else n >> 1
        out.append(n)
    return tuple(out)


_TABLE = _table()


def crc32c(data: bytes) -> int:
    """CRC-32C of some bytes (of b"123456789": 0xE3069283)."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def record(data: bytes) -> bytes:
    """A TFRecord."""
    length = struct.pack("<Q", len(data))
    return length + struct.pack("<I", _masked(length)) + data + struct.pack("<I", _masked(data))


def _masked(data: bytes) -> int:
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*out, value))


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _integer(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


class EventWriter:
    """Appends to a new event file in `folder`. Methods raise OSError where the disk is full."""

    def __init__(self, folder: Path, step: int = 0) -> None:
        """`step`: what earlier files in the folder say of later steps was lost and made again; TensorBoard drops it."""
        folder.mkdir(parents=True, exist_ok=True)
        name = f"events.out.tfevents.{time.time():.6f}.{socket.gethostname()}.{os.getpid()}"
        self._file: BinaryIO = (folder / name).open("ab")
        self._write(_bytes(3, b"brain.Event:2"), 0)
        if step:
            self._write(_bytes(7, _integer(1, 1)), step + 1)  # a SessionLog with status START

    def scalar(self, tag: str, value: float, step: int) -> None:
        """One number."""
        self._summary(_bytes(1, tag.encode()) + _varint(2 << 3 | 5) + struct.pack("<f", value), step)

    def picture(self, tag: str, png: bytes, size: tuple[int, int], step: int) -> None:
        """A PNG of `size` (height, width), RGB."""
        image = _integer(1, size[0]) + _integer(2, size[1]) + _integer(3, 3) + _bytes(4, png)
        self._summary(_bytes(1, tag.encode()) + _bytes(4, image), step)

    def _summary(self, value: bytes, step: int) -> None:
        self._write(_bytes(5, _bytes(1, value)), step)

    def _write(self, what: bytes, step: int) -> None:
        event = _varint(1 << 3 | 1) + struct.pack("<d", time.time()) + _integer(2, step) + what
        self._file.write(record(event))
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
