from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

import toy_set
from rs2sam2.cli import run
from rs2sam2.objects.files import load, metadata
from rs2sam2.train.objects import calibration


def test_half_the_size_and_the_same_answers(picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["pack", "nano", "--precision", "float32", "-o", str(tmp_path / "whole")]) == 0
    assert run(["pack", str(tmp_path / "whole"), "-o", str(tmp_path / "half")]) == 0
    assert "parameters in float16" in capsys.readouterr().out
    sizes = [(tmp_path / kept / "model.safetensors").stat().st_size for kept in ("whole", "half")]
    assert 1.9 < sizes[0] / sizes[1] < 2.1
    whole, half = load(tmp_path / "whole"), load(tmp_path / "half")
    assert whole.config == half.config
    for name, tensor in whole.state_dict().items():
        torch.testing.assert_close(half.state_dict()[name], tensor, rtol=1e-3, atol=1e-6)
    segment = ["segment", str(picture), "-p", "the ship", "-o", str(tmp_path / "m.png")]
    assert run([*segment, "--weights", str(tmp_path / "half")]) == 0
    assert run(["pack", "nano", "-o", str(tmp_path / "half")]) == 2
    assert "already holds weights" in capsys.readouterr().err


def test_more_candidates_than_in_training(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["pack", "nano", "--candidates", "9", "-o", str(tmp_path / "out")]) == 0
    assert load(tmp_path / "out").config.candidates == 9
    assert run(["pack", "nano", "--candidates", "0", "-o", str(tmp_path / "none")]) == 2
    assert "candidates 0 must be a whole number >= 1" in capsys.readouterr().err and not (tmp_path / "none").exists()


def test_presence_is_calibrated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    toy_set.write_set(tmp_path / "set")
    command = ["pack", "nano", "--calibrate", str(tmp_path / "set"), "-o", str(tmp_path / "out")]
    assert run(command) == 2
    assert "at least 10 phrases with a target" in capsys.readouterr().err and not (tmp_path / "out").exists()
    monkeypatch.setattr(calibration, "FEWEST", 1)
    monkeypatch.setattr(calibration, "fit", lambda logits, there, group: calibration.Slope(0.5, 0.25))
    assert run(command) == 0
    out = capsys.readouterr().out
    assert "presence = sigmoid(0.5 * logit + 0.25)\n" in out and "set, the other half: right on" in out
    config = load(tmp_path / "out").config
    assert (config.presence_slope, config.presence_offset) == (0.5, 0.25)
    assert metadata(tmp_path / "out")["calibrated"] == "set val"


def test_phrases_too_long_are_left_out_of_what_is_calibrated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    toy_set.write_set(tmp_path / "set")
    entries = [json.loads(line) for line in (tmp_path / "set/val.jsonl").read_text().splitlines()]
    entries[0]["phrase"] = "the ship beside the bridge " * 30
    (tmp_path / "set/val.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    monkeypatch.setattr(calibration, "FEWEST", 1)
    assert run(["pack", "nano", "--calibrate", str(tmp_path / "set"), "-o", str(tmp_path / "out")]) == 0
    out = capsys.readouterr().out
    assert "left out of set val: 1 phrases, empty or longer than this model reads" in out
    assert "without, at presence 0.5" in out


def test_other_models_are_refused(toy_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["pack", str(toy_folder), "-o", str(tmp_path / "out")]) == 5
    assert "is no object-first model; export-weights is for RS2-SAM2" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
