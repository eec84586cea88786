"""`evaluate`, `score` and `compare` as users type them, alone and under torchrun."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from rs2sam2.cli import run
from toy_set import write_set


def test_evaluate_score_and_compare(toy_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_set(tmp_path / "set")
    shared = ["--data", str(tmp_path / "set"), "--resamples", "20"]
    first = tmp_path / "a"
    model = ["--weights", str(toy_folder), "--device", "cpu", "--control", "shuffle", "--robustness", "3", "--masks"]
    assert run(["evaluate", *shared, *model, "-o", str(first)]) == 0
    printed = capsys.readouterr()
    assert "1024 square (released)" in printed.out and str(first / "report.html") in printed.out and not printed.err
    metrics = json.loads((first / "metrics.json").read_text())
    assert metrics["about"]["split"] == "val" and metrics["counts"]["samples"] == 9 and metrics["robustness"]

    # The model's own masks, scored as another method's, give the model's native scores.
    again = tmp_path / "b"
    assert run(["score", str(first), *shared, "-o", str(again), "--protocol", "native", "--json"]) == 0
    rescored = json.loads(capsys.readouterr().out)
    assert rescored["scores"]["native"] == metrics["scores"]["native"]
    assert rescored["breakdown"] == metrics["breakdown"]

    assert run(["compare", str(first), str(again), "--resamples", "20"]) == 0
    assert "0 samples better, 0 worse" in capsys.readouterr().out
    assert run(["compare", str(first), str(again), "--json", "--resamples", "20"]) == 0
    assert json.loads(capsys.readouterr().out)["scores"]["mIoU"]["difference"] == 0


def test_bad_input_is_one_line(toy_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_set(tmp_path / "set")
    data, weights = ["--data", str(tmp_path / "set")], ["--weights", str(toy_folder)]
    (tmp_path / "file").touch()
    cases: list[tuple[list[str], int, str]] = [
        (["evaluate", "--data", str(tmp_path / "gone"), *weights], 5, "there is no"),
        (["evaluate", *data, *weights, "--split", "test"], 2, "no split 'test'"),
        (["evaluate", *data, *weights, "--protocol", "640"], 2, "640"),
        (["evaluate", *data, *weights, "--min-score", "2"], 2, "no probability"),
        (["evaluate", *data, *weights, "-o", str(tmp_path / "file" / "out")], 2, "-o"),
        (["evaluate", *data, "--weights", str(tmp_path / "gone")], 5, "no weights"),
        (["score", str(tmp_path / "gone"), *data], 2, "does not exist"),
        (["score", str(tmp_path / "set"), *data], 5, "no mask for any"),
        (["compare", str(tmp_path), str(tmp_path)], 5, "samples.jsonl"),
    ]
    for arguments, code, message in cases:
        output = ["-o", str(tmp_path / "out")] if arguments[0] != "compare" and "-o" not in arguments else []
        assert run([*arguments, *output]) == code, arguments
        printed = capsys.readouterr()
        assert printed.err.count("\n") == 1 and message in printed.err and not printed.out, printed.err


def test_two_ranks_write_the_same_files(toy_folder: Path, tmp_path: Path) -> None:
    write_set(tmp_path / "set")
    arguments = ["evaluate", "--data", str(tmp_path / "set"), "--weights", str(toy_folder), "--device", "cpu"]
    arguments += ["--resamples", "20", "--control", "shuffle", "--masks", "-o"]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as torchrun sets it for each rank
    try:
        assert run([*arguments, str(tmp_path / "one")]) == 0
    finally:
        torch.set_num_threads(threads)
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "--no-python"]
    done = subprocess.run(
        [*launcher, sys.executable, "-m", "rs2sam2", *arguments, str(tmp_path / "two")],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("1024 square (released)") == 1  # one rank speaks
    for file in ("samples.jsonl", "metrics.json", "report.html"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
