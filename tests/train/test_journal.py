"""What a run tells: event files, log, trackers, pictures, run.json."""

from __future__ import annotations

import json
import struct
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from rs2sam2.drawing import FOUND, TRUTH
from rs2sam2.errors import UsageError
from rs2sam2.train.events import EventWriter, crc32c, record
from rs2sam2.train.journal import Journal
from rs2sam2.train.pictures import SIDE, Shown, draw_sheet
from rs2sam2.train.progress import ProgressLine
from rs2sam2.train.provenance import fingerprint
from rs2sam2.train.recipe import load_recipe


def records(path: Path) -> list[bytes]:
    """Contents of an event file, checksums checked."""
    data, out = path.read_bytes(), []
    while data:
        (length,) = struct.unpack("<Q", data[:8])
        body = data[12 : 12 + length]
        assert record(body) == data[: 16 + length]
        out.append(body)
        data = data[16 + length :]
    return out


def test_checksum_is_castagnolis() -> None:
    assert crc32c(b"123456789") == 0xE3069283  # the check value of its definition
    assert crc32c(bytes(32)) == 0x8A9136AA  # RFC 3720, B.4


def test_event_files(tmp_path: Path) -> None:
    writer = EventWriter(tmp_path)
    writer.scalar("train/loss", 0.5, 300)
    writer.picture("val", b"PNG...", (4, 5), 300)
    writer.close()
    (path,) = tmp_path.glob("events.out.tfevents.*")
    first, scalar, picture = records(path)
    assert first.endswith(b"\x1a\x0dbrain.Event:2")
    # field 1: time; field 2: step 300 as a varint; field 5: summary of one value with tag and simple_value
    assert scalar[9:12] == b"\x10\xac\x02"
    assert scalar[12:] == b"\x2a\x13\x0a\x11\x0a\x0atrain/loss\x15" + struct.pack("<f", 0.5)
    assert picture[12:] == b"\x2a\x17\x0a\x15\x0a\x03val\x22\x0e\x08\x04\x10\x05\x18\x03\x22\x06PNG..."


def test_an_event_file_takes_back_what_was_lost(tmp_path: Path) -> None:
    EventWriter(tmp_path, 20).close()
    (path,) = tmp_path.glob("events.out.tfevents.*")
    assert records(path)[1][9:] == b"\x10\x15\x3a\x02\x08\x01"  # step 21, field 7: a session log, status START


def test_small_numbers_are_not_rounded_away(tmp_path: Path) -> None:
    journal = Journal(tmp_path, load_recipe("nwpu-nano"), 0)
    journal.numbers("train", 1, {"rate_rest": 1.23456789e-8})
    journal.close()
    assert json.loads((tmp_path / "log.jsonl").read_text())["rate_rest"] == 1.23457e-8


def test_a_full_disk_is_said(tmp_path: Path) -> None:
    journal = Journal(tmp_path, load_recipe("nwpu-nano"), 0)
    (tmp_path / "log.jsonl").symlink_to("/dev/full")
    with pytest.raises(UsageError, match="No space left on device; free space, then --resume"):
        journal.numbers("train", 1, {"loss": 0.5})
    journal.close()


def test_trackers_are_told_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []
    fake = SimpleNamespace(
        init=lambda **kw: calls.append(("init", kw["project"], kw["name"], kw["config"]["epochs"])),
        log=lambda values, step: calls.append((values, step)),
        finish=lambda: calls.append("finish"),
    )
    monkeypatch.setitem(sys.modules, "wandb", fake)
    journal = Journal(tmp_path, load_recipe("nwpu-nano", ["--log.wandb=ships"]), 0)
    journal.numbers("val", 7, {"mIoU": 0.25})
    journal.close()
    assert calls == [("init", "ships", "nwpu-nano", 60), ({"val/mIoU": 0.25}, 7), "finish"]
    assert json.loads((tmp_path / "log.jsonl").read_text()) == {"kind": "val", "step": 7, "mIoU": 0.25}


def test_a_missing_tracker_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trackio", None)
    with pytest.raises(UsageError, match=r"needs the package trackio: pip install 'rs2sam2\[trackio\]'"):
        Journal(tmp_path, load_recipe("nwpu-nano", ["--log.trackio=ships"]), 0)


def test_pictures_show_what_was_found_and_what_is_there() -> None:
    image = Image.new("RGB", (128, 64))
    mask, truth = np.zeros((64, 128), bool), np.zeros((64, 128), bool)
    mask[:, :64] = True
    truth[16:48, 80:112] = True
    sheet = np.asarray(draw_sheet([Shown(image, "the ship " * 20, mask, truth, "IoU 0.00")] * 5))
    assert sheet.shape == (2 * (SIDE + 44), 4 * (SIDE + 6), 3)
    assert tuple(sheet[SIDE // 2, SIDE // 4]) == tuple(c // 2 for c in FOUND)
    assert tuple(sheet[SIDE // 4, SIDE * 3 // 4]) == TRUTH and tuple(sheet[SIDE // 2, SIDE * 3 // 4]) == (0, 0, 0)


def test_the_progress_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([100.0, 140.0])
    monkeypatch.setattr("rs2sam2.train.progress.time.monotonic", lambda: next(clock))
    line = ProgressLine(100, 10, torch.device("cpu"), shown=True)
    for step in (10, 20):
        line.step(step=step, epoch=1, losses={"loss_total": 0.5}, rate=1e-4, items=80)
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("epoch 2/10 step 20/100 loss 0.5000 rate 1.0e-04 2.0 samples/s ")
    assert said.endswith(" GB, 0:53:20 left")  # 80 steps of 80 items at 2 a second


def test_a_fingerprint_changes_with_the_data(rrsisd: Path) -> None:
    from dataclasses import replace

    from rs2sam2.data import open_dataset

    samples = open_dataset(rrsisd).read("train")
    assert fingerprint(samples) == fingerprint(list(samples)) != fingerprint(samples[::-1])
    assert fingerprint(samples) != fingerprint([replace(samples[0], phrase="the tank"), *samples[1:]])
    assert fingerprint(samples) != fingerprint([replace(samples[0], targets=samples[1].targets), *samples[1:]])
    assert fingerprint(samples).startswith("6 samples, 6 images, sha256 ")
