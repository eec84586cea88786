"""Nothing is lost: interrupted, killed, out of disk, out of numbers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from toy_runs import log, numbers

from rs2sam2 import files
from rs2sam2.checkpoint.files import write_safetensors
from rs2sam2.cli import run
from rs2sam2.errors import UsageError, WeightsError
from rs2sam2.train import loop
from rs2sam2.train.checkpointing import load_checkpoint, save_checkpoint
from rs2sam2.train.distributed import World
from rs2sam2.train.learner import Group
from rs2sam2.train.loop import CHECKPOINT, train
from rs2sam2.train.optimizer import MasterOptimizer
from rs2sam2.train.progress import ProgressLine
from rs2sam2.train.recipe import Optimizer, load_recipe

Overrides = Callable[..., list[str]]
PATIENCE = 300.0
"""Seconds after which a process of its own has hung: never reached, however busy the machine."""
PLUS = ("--ema=0.9", "--schedule.kind=cosine", "--optimizer.clip=1", "--data.augmentation.flips=true")


def signal_at(monkeypatch: pytest.MonkeyPatch, step: int, number: signal.Signals) -> None:
    """Send this process a signal while it makes a step."""
    original = ProgressLine.step

    def patched(self: ProgressLine, **facts: Any) -> None:
        original(self, **facts)
        if facts["step"] == step:
            signal.raise_signal(number)
            if number == signal.SIGTERM:  # twice, as `timeout` and schedulers send it: to the process and to its group
                signal.raise_signal(number)

    monkeypatch.setattr(ProgressLine, "step", patched)


def same(a: Path, b: Path) -> None:
    """Every tensor of two checkpoints, bit by bit, and where they stand."""
    one, two = numbers(a, ""), numbers(b, "")
    assert set(one) == set(two)
    for name, tensor in one.items():
        assert torch.equal(tensor, two[name]), name
    states = [load_checkpoint(p)[1]["state"] for p in (a, b)]
    for state in states:
        del state["seconds"]
    assert states[0] == states[1]


@pytest.mark.parametrize(
    ("at", "precision"), [(1, "float32"), (3, "float32"), (5, "float32"), (5, "bfloat16"), (6, "float32")]
)
def test_interrupted_and_resumed_is_uninterrupted(
    at: int, precision: str, small: Overrides, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Steps 1 and 5 are inside an epoch of 3, step 3 is its end, step 6 that of the run."""
    recipe = load_recipe("rrsisd-released", small(*PLUS, f"--compute.precision={precision}"))
    whole = train(recipe, tmp_path / "whole")
    assert whole.state.step == 6
    with monkeypatch.context() as patch:
        signal_at(patch, at, signal.SIGTERM)
        with pytest.raises(SystemExit) as left:
            train(recipe, tmp_path / "parts")
        assert left.value.code == 143
    assert load_checkpoint(tmp_path / "parts" / CHECKPOINT)[1]["state"]["step"] == at
    train(recipe, tmp_path / "parts", resume=True)
    same(tmp_path / "whole" / CHECKPOINT, tmp_path / "parts" / CHECKPOINT)
    for kept in ("last", "best"):
        files_ = [(tmp_path / which / kept / "model.safetensors").read_bytes() for which in ("whole", "parts")]
        assert files_[0] == files_[1]
    assert [e["step"] for e in log(tmp_path / "parts", "train")] == [1, 2, 3, 4, 5, 6]


def test_ctrl_c_exits_with_130(
    small: Overrides, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    signal_at(monkeypatch, 2, signal.SIGINT)
    assert run(["train", "rrsisd-released", *small(), "-o", str(tmp_path / "a")]) == 130
    assert "stopped at step 2, saved; go on with --resume" in capsys.readouterr().err
    assert (tmp_path / "a" / CHECKPOINT).exists()


@pytest.mark.parametrize("at", [1, 2])
def test_a_stop_while_validating(at: int, small: Overrides, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first validation, and the last one."""
    recipe = load_recipe("rrsisd-released", small())
    train(recipe, tmp_path / "whole")
    original, calls = loop.validate, []
    with monkeypatch.context() as patch:

        def stopping(*args: Any, **kwargs: Any) -> Any:
            calls.append(None)
            if len(calls) == at:
                signal.raise_signal(signal.SIGTERM)
            return original(*args, **kwargs)

        patch.setattr(loop, "validate", stopping)
        with pytest.raises(SystemExit):
            train(recipe, tmp_path / "parts")
    train(recipe, tmp_path / "parts", resume=True)
    same(tmp_path / "whole" / CHECKPOINT, tmp_path / "parts" / CHECKPOINT)
    kept = [(tmp_path / which / "last/model.safetensors").read_bytes() for which in ("whole", "parts")]
    assert kept[0] == kept[1]
    assert [e["step"] for e in log(tmp_path / "parts", "val")] == [3, 6]


def test_a_checkpoint_of_before_runs_said_that_they_are_finished(small: Overrides, tmp_path: Path) -> None:
    recipe = load_recipe("rrsisd-released", small("--steps=1", "--data.val=null"))
    train(recipe, tmp_path)
    tensors, saved = load_checkpoint(tmp_path / CHECKPOINT)
    del saved["state"]["finished"]
    save_checkpoint(tmp_path / CHECKPOINT, tensors, saved, World(torch.device("cpu")))
    again = train(recipe, tmp_path, resume=True)
    assert (again.state.step, again.state.finished) == (1, True)


def test_kill_minus_9_in_the_middle_of_a_save(small: Overrides, tmp_path: Path) -> None:
    """A process of its own is killed half way through writing its second checkpoint; the first one is used."""
    out = tmp_path / "run"
    script = f"""
import os, signal, sys
from rs2sam2.train import checkpointing
original, saves = checkpointing.write_safetensors, []
def dying(path, shapes, tensor, metadata):
    saves.append(path)
    names = []
    def counted(name):
        names.append(name)
        if len(saves) == 2 and len(names) > len(shapes) // 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return tensor(name)
    original(path, shapes, counted, metadata)
checkpointing.write_safetensors = dying
from rs2sam2.cli import run
sys.exit(run(["train", "rrsisd-released", *{small()!r}, "-o", {str(out)!r}]))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert list(out.glob(".*.tmp*"))  # the half that was written
    assert load_checkpoint(out / CHECKPOINT)[1]["state"]["step"] == 3
    recipe = load_recipe("rrsisd-released", small())
    train(recipe, out, resume=True)
    assert not list(out.glob(".*.tmp*"))
    train(recipe, tmp_path / "whole")
    same(tmp_path / "whole" / CHECKPOINT, out / CHECKPOINT)


def test_sigterm_from_outside(small: Overrides, tmp_path: Path) -> None:
    """To the whole group, the processes that load data too."""
    out = tmp_path / "run"
    overrides = small("--epochs=100000", "--compute.workers=1")
    command = [sys.executable, "-m", "rs2sam2", "train", "rrsisd-released", *overrides, "-o", str(out)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True)
    deadline = time.monotonic() + PATIENCE
    while not (out / "log.jsonl").exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGTERM)
    _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 143, said
    assert load_checkpoint(out / CHECKPOINT)[1]["state"]["step"] >= 1


def test_a_signal_waits_for_loaders_that_are_starting(
    small: Overrides, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """torch lets a loading process die of SIGTERM until ours ignores it; it must not come in between."""
    from torch.utils.data._utils import signal_handling

    original = signal_handling._set_worker_signal_handlers

    def signalled() -> None:
        original()
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(signal_handling, "_set_worker_signal_handlers", signalled)
    recipe = load_recipe("rrsisd-released", small("--steps=1", "--compute.workers=1", "--data.val=null"))
    assert train(recipe, tmp_path / "a").state.step == 1


@pytest.mark.parametrize("where", ["step", "data"])
def test_an_error_ends_the_loaders_too(where: str, small: Overrides, tmp_path: Path) -> None:
    """They ignore signals, so that Python would wait for them for ever, were they not told to end."""
    script = f"""
from pathlib import Path
from rs2sam2.errors import DataError
from rs2sam2.train import loop
from rs2sam2.train.recipe import load_recipe
from rs2sam2.train.rs2sam2.data import PhraseItems
recipe = load_recipe("rrsisd-released", {small("--epochs=50", "--compute.workers=2", "--data.val=null")!r})
def failing(*_):
    raise DataError("it broke")
if {where!r} == "step":
    loop.Trainer._step = failing
else:
    PhraseItems.__getitem__ = failing
loop.train(recipe, Path({str(tmp_path / "run")!r}))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 1 and "it broke" in done.stderr


def test_a_full_disk(
    small: Overrides, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    command = ["train", "rrsisd-released", *small(), "-o", str(out)]
    assert run([*command, "--epochs=1"]) == 0
    before = (out / CHECKPOINT).read_bytes()

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    capsys.readouterr()
    assert run([*command, "--resume"]) == 2
    assert "No space left on device" in capsys.readouterr().err
    assert (out / CHECKPOINT).read_bytes() == before
    monkeypatch.undo()
    assert run([*command, "--resume"]) == 0


def test_a_loss_that_is_no_number(
    small: Overrides, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from rs2sam2.train.rs2sam2.module import TrainedModel

    out = tmp_path / "run"
    assert run(["train", "rrsisd-released", *small(), "--epochs=1", "-o", str(out)]) == 0
    before = (out / CHECKPOINT).read_bytes()
    original = TrainedModel._dice
    monkeypatch.setattr(TrainedModel, "_dice", lambda self, judged: original(self, judged) * float("nan"))
    assert run(["train", "rrsisd-released", *small(), "--resume", "-o", str(out)]) == 4
    said = capsys.readouterr().err
    assert "step 4: loss_dice, loss_total, the gradient is no longer a number" in said and "is intact" in said
    assert (out / CHECKPOINT).read_bytes() == before


def test_a_run_is_not_overwritten_by_accident(small: Overrides, tmp_path: Path) -> None:
    recipe = load_recipe("rrsisd-released", small("--steps=1"))
    train(recipe, tmp_path / "a")
    with pytest.raises(UsageError, match="already holds a run; go on with --resume"):
        train(recipe, tmp_path / "a")
    again = train(recipe, tmp_path / "a", resume=True)  # nothing left to do
    assert again.state.step == 1
    longer = train(load_recipe("rrsisd-released", small("--steps=2")), tmp_path / "a", resume=True)
    assert longer.state.step == 2


def test_a_folder_that_cannot_be_written_is_said_first(small: Overrides, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"cannot write to .*; choose another folder with -o"):
        train(load_recipe("rrsisd-released", small("--data.root=gone")), tmp_path / "file" / "run")


def test_resuming_says_what_changed(small: Overrides, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train(load_recipe("rrsisd-released", small("--steps=1")), tmp_path / "a")
    train(
        load_recipe("rrsisd-released", small("--steps=2", "--optimizer.weight_decay=0.5")), tmp_path / "a", resume=True
    )
    said = capsys.readouterr().err
    assert "recipe changed since the checkpoint: optimizer.weight_decay was 0.01, is 0.5" in said
    assert "going on from step 1 of 2" in said
    with pytest.raises(UsageError, match="was trained on 6 items, now there are 3"):
        train(load_recipe("rrsisd-released", small("--data.limit=3")), tmp_path / "a", resume=True)
    with pytest.raises(UsageError, match="is of another model"):
        train(load_recipe("rrsisd-released", small("--model.text_gate=false")), tmp_path / "a", resume=True)


@pytest.mark.parametrize(
    ("first", "then", "fresh"),
    [
        ("--compute.precision=float32", "--compute.precision=bfloat16", "optimizer/master/"),
        ("--ema=0.9 --freeze=[stem,trunk,neck]", "--ema=0.9 --freeze=[]", "ema/"),
    ],
)
def test_what_a_changed_recipe_keeps_anew_starts_from_the_weights(
    first: str, then: str, fresh: str, small: Overrides, tmp_path: Path
) -> None:
    quick = ("--data.val=null", "--optimizer.lr.rest=0", "--optimizer.lr.fusion=0")  # so that weights stay as they were
    train(load_recipe("rrsisd-released", small(*quick, *first.split(), "--steps=1")), tmp_path)
    weights, before = numbers(tmp_path / CHECKPOINT), numbers(tmp_path / CHECKPOINT, fresh)
    train(load_recipe("rrsisd-released", small(*quick, *then.split(), "--steps=2")), tmp_path, resume=True)
    added = {name: t for name, t in numbers(tmp_path / CHECKPOINT, fresh).items() if name not in before}
    assert added
    for name, tensor in added.items():
        torch.testing.assert_close(tensor, weights[f"model/{name.removeprefix(fresh)}"], rtol=1e-2, atol=1e-6)


def test_going_on_in_float32_takes_the_copies_that_were_stepped() -> None:
    exact = torch.rand(4)
    rounded = torch.nn.Parameter(exact.bfloat16().float())  # as the model's own weights were saved
    MasterOptimizer([Group("rest", {"w": rounded})], Optimizer()).restore({}, {"w": exact})
    assert torch.equal(rounded, exact)


def test_damaged_checkpoints_are_said(small: Overrides, tmp_path: Path) -> None:
    path = tmp_path / CHECKPOINT
    path.write_bytes(b"not a checkpoint")
    with pytest.raises(WeightsError, match="cannot be read"):
        train(load_recipe("rrsisd-released", small()), tmp_path, resume=True)
    write_safetensors(path, {"a": (torch.float32, (1,))}, lambda _: torch.zeros(1), {})
    with pytest.raises(WeightsError, match="is no checkpoint of a training run"):
        load_checkpoint(path)


def test_log_entries_of_a_lost_part_go(small: Overrides, tmp_path: Path) -> None:
    recipe = load_recipe("rrsisd-released", small("--steps=3"))
    train(recipe, tmp_path / "a")
    with (tmp_path / "a" / "log.jsonl").open("a") as file:
        file.write(
            json.dumps({"kind": "train", "step": 4, "loss_total": 1.0}) + '\n{"kind": "tra'
        )  # then the power went
    train(load_recipe("rrsisd-released", small()), tmp_path / "a", resume=True)
    assert [e["step"] for e in log(tmp_path / "a", "train")] == [1, 2, 3, 4, 5, 6]
