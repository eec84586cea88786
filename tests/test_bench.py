from __future__ import annotations

import json
import shutil
from importlib.resources import files
from pathlib import Path

import pytest
import torch

from rs2sam2 import bench
from rs2sam2.cli import run
from rs2sam2.errors import VocabularyError
from rs2sam2.model.rs2sam2 import RS2SAM2


@pytest.fixture(autouse=True)
def small_and_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "PEAK_SIDE", {"cpu": 32})
    monkeypatch.setattr(bench, "run", lambda cases: (bench.measure([case]) for case in cases))


def test_rows_of_a_model(toy_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "numbers.json"
    arguments = [
        "--dtype",
        "float32",
        "--dtype",
        "mixed",
        "--batch",
        "1",
        "--batch",
        "2",
        "--device",
        "cpu",
        "--runs",
        "1",
    ]
    assert run(["bench", str(toy_folder), *arguments, "-o", str(out)]) == 0
    assert capsys.readouterr().out.count("toy") >= 4
    written = json.loads(out.read_text())
    assert [(r["dtype"], r["batch"]) for r in written["rows"]] == [(d, b) for d in ("float32", "mixed") for b in (1, 2)]
    for row in written["rows"]:
        assert row["seconds_per_phrase"] > 0 and row["peak_gb"] > 0 and row["tflop"] > 0
        assert row["share_of_peak"] == pytest.approx(row["tflop_per_s"] / row["peak_tflop_per_s"])
    assert written["machine"]["torch"] == torch.__version__


@pytest.mark.parametrize("option", ["--runs", "--batch"])
@pytest.mark.parametrize("number", ["0", "-1"])
def test_nothing_to_measure_is_refused(option: str, number: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["bench", "nano", "--batch", "1", option, number]) == 2
    said = capsys.readouterr().err
    assert f"{option} {number}" in said and "give at least 1" in said and said.count("\n") == 1


def test_the_bundled_model_is_timed_as_a_predictor() -> None:
    (row,) = bench.measure([bench.Case("nano", "auto", 1, "cpu", 1)])
    assert row.tflop is None and row.next_phrase < row.seconds_per_phrase


def test_a_folder_without_a_vocabulary_is_given_one(tmp_path: Path) -> None:
    nano = Path(str(files("rs2sam2"))) / "assets" / "nano"
    for name in ("config.json", "model.safetensors"):
        shutil.copy(nano / name, tmp_path / name)
    with pytest.raises(VocabularyError, match="vocabulary"):
        bench.measure([bench.Case(str(tmp_path), "auto", 1, "cpu", 1)])
    (row,) = bench.measure([bench.Case(str(tmp_path), "auto", 1, "cpu", 1, vocabulary=nano / "vocabulary.spm")])
    assert row.model == "nano"


def test_random_weights_load(tmp_path: Path) -> None:
    bench.random_weights("nano", tmp_path / "nano")
    model = RS2SAM2.from_pretrained(tmp_path / "nano")
    assert model.config.name == "nano" and model.beit3.norm["vision"].weight.eq(1).all()
