from __future__ import annotations

import json
import shutil
from importlib.resources import files
from pathlib import Path

import pytest
import torch

from rs2sam2 import bench
from rs2sam2.cli import run
from rs2sam2.errors import UsageError, VocabularyError
from rs2sam2.model.rs2sam2 import RS2SAM2

real_run = bench.run


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


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("nano --dtype bfloat16", "compute in float32; leave dtype out"),
        ("nano --dtype mixed", "compute in float32; leave dtype out"),
        ("/no/such/weights --preset nano", "weights /no/such/weights and --preset nano were given; give one of them"),
    ],
)
def test_what_would_change_nothing_is_refused(options: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["bench", *options.split(), "--device", "cpu", "--runs", "1"]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1


def test_rs2sam2_is_timed_without_a_vocabulary(toy_folder: Path) -> None:
    with pytest.raises(UsageError, match=r"--vocabulary x\.spm is not read.*leave it out"):
        bench.measure([bench.Case(str(toy_folder), "float32", 1, "cpu", 1, vocabulary=Path("x.spm"))])


def test_a_row_of_a_cpu_in_a_process_of_its_own(toy_folder: Path) -> None:
    ((row,),) = real_run([bench.Case(str(toy_folder), "float32", 2, "cpu", 1)])
    assert (row.model, row.batch) == ("toy", 2) and row.seconds_per_phrase > 0


@pytest.mark.parametrize(("device", "groups"), [("cpu", [1, 1, 1, 1]), ("cuda", [2, 2])])
def test_on_a_gpu_batches_of_a_model_share_a_process(
    device: str, groups: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "pick_device", torch.device)
    cases = [bench.Case("a", dtype, batch, device, 1) for dtype in ("float32", "bfloat16") for batch in (1, 2)]
    grouped = bench._groups(cases)
    assert [len(group) for group in grouped] == groups and [case for group in grouped for case in group] == cases


def test_the_gpu_that_is_measured_is_the_one_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    second, asked = torch.device("cuda:1"), []
    monkeypatch.setattr(torch.cuda, "synchronize", lambda device=None: asked.append(device))
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device=None: asked.append(device) or 10**9)
    bench._time(lambda: None, 1, second)
    assert bench._peak_memory(second) == 1 and asked == [second] * 3


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


def test_what_cannot_be_written_is_said_before_measuring(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def measured(_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(bench, "run", measured)
    (tmp_path / "file").touch()
    for output, said in ((tmp_path / "file" / "b.json", "not a folder"), (tmp_path, "it is a folder")):
        assert run(["bench", "nano", "-o", str(output)]) == 2
        assert said in capsys.readouterr().err
