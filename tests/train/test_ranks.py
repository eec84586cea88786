"""One process or two, DDP or FSDP2: the same numbers."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from toy_runs import log, numbers

from rs2sam2.cli import run
from rs2sam2.errors import UsageError
from rs2sam2.train.checkpointing import load_checkpoint
from rs2sam2.train.distributed import World
from rs2sam2.train.loop import CHECKPOINT, train
from rs2sam2.train.recipe import load_recipe
from rs2sam2.train.sampling import accumulated, micro_batches

Overrides = Callable[..., list[str]]
# Two processes add the same gradients in another order, and Adam divides by their size: with its usual eps, a gradient
# of 1e-9 that comes out as -1e-9 moves a weight by the whole rate the other way. With 1e-4 it stays where it is.
TWO = ("--batch=4", "--optimizer.clip=1", "--ema=0.9", "--optimizer.eps=1e-4")
TOLERANCE = 2e-5


def torchrun(arguments: list[str], processes: int = 2) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    return subprocess.run(
        [*command, "-m", "rs2sam2", *arguments], capture_output=True, text=True, env=environment, timeout=600
    )


@pytest.fixture(scope="module")
def alone(rrsisd: Path, toy_vocabulary: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[list[str]], Path]:
    """The run of a single process, for each list of overrides once."""
    done: dict[tuple[str, ...], Path] = {}

    def result(overrides: list[str]) -> Path:
        key = tuple(overrides)
        if key not in done:
            done[key] = tmp_path_factory.mktemp("alone") / "run"
            train(load_recipe("rrsisd-released", overrides), done[key])
        return done[key]

    return result


@pytest.mark.parametrize(("parallel", "precision"), [("ddp", "float32"), ("fsdp", "float32"), ("fsdp", "released")])
def test_two_processes_give_the_numbers_of_one(
    parallel: str, precision: str, small: Overrides, alone: Callable[[list[str]], Path], tmp_path: Path
) -> None:
    """Stopped after an epoch and resumed by the other number of processes, too: a checkpoint does not know them."""
    overrides = small(*TWO, f"--compute.precision={precision}", "--epochs=3")
    one = alone(overrides)
    two = tmp_path / "two"
    command = ["train", "rrsisd-released", *overrides, f"--compute.parallel={parallel}", "-o", str(two)]
    done = torchrun([*command, "--steps=2"])
    assert done.returncode == 0, done.stderr
    assert run([*command, "--resume"]) == 0
    assert load_checkpoint(two / CHECKPOINT)[1]["state"]["step"] == 3
    # bfloat16 gradients are rounded before they are added: where one is next to nothing its sign may differ, and Adam
    # then goes the other way, by the rate (1e-3) in each of the three steps. Hardly any does, so the mean stays small.
    tolerance = TOLERANCE if precision == "float32" else 2 * 1e-3 * 3
    ours, theirs = numbers(one / CHECKPOINT, "model/"), numbers(two / CHECKPOINT, "model/")
    assert set(ours) == set(theirs)
    for name, tensor in ours.items():
        torch.testing.assert_close(theirs[name].float(), tensor.float(), atol=tolerance, rtol=tolerance, msg=name)
    apart = torch.cat([(theirs[name].float() - tensor.float()).abs().flatten() for name, tensor in ours.items()])
    assert apart.mean() < (1e-6 if precision == "float32" else 2e-5)
    for kind in ("train", "val"):
        for a, b in zip(log(one, kind), log(two, kind), strict=True):
            for key in set(a) - {"kind", "samples_per_second", "memory_gb"}:
                slack = 2e-3 if precision == "float32" else 2e-2
                assert abs(a[key] - b[key]) <= slack * max(1, abs(a[key])), (kind, key, a[key], b[key])


def test_what_cannot_be_shared_out_is_said(small: Overrides) -> None:
    recipe = load_recipe("rrsisd-released", small("--batch=3"))
    with pytest.raises(UsageError, match="is 3, not a multiple of the 2 processes"):
        accumulated(recipe, World(torch.device("cpu"), 0, 2))


def test_micro_batches_do_not_depend_on_the_processes(small: Overrides) -> None:
    recipe = load_recipe("rrsisd-released", small("--batch=4", "--per_device=2"))
    steps = micro_batches(recipe, 11, epoch=3)
    assert [len(step) for step in steps] == [2, 2]
    taken = [i for step in steps for micro in step for i in micro]
    assert len(set(taken)) == 8 and steps == micro_batches(recipe, 11, epoch=3) != micro_batches(recipe, 11, epoch=4)
    assert [len(m) for step in micro_batches(recipe, 3, epoch=0) for m in step] == [
        2,
        2,
    ]  # fewer than a batch: repeated


def test_a_failing_process_ends_all(small: Overrides, tmp_path: Path) -> None:
    """The first one cannot write its checkpoint; the other does not wait for it for ever."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "last").write_text("a file where a folder has to be")
    overrides = small(*TWO, "--validation.every=9", "--steps=1", "--data.val=null")
    done = torchrun(["train", "rrsisd-released", *overrides, "-o", str(tmp_path / "run")])
    assert done.returncode != 0
    assert "cannot write" in done.stderr
