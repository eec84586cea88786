from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "data"))
import fake_sets
from toy_runs import shrunk

Overrides = Callable[..., list[str]]


@pytest.fixture(scope="session")
def rrsisd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """12 generated samples in RRSIS-D's layout, 6 of them to train on."""
    return fake_sets.rrsisd(tmp_path_factory.mktemp("rrsisd"), count=12)


@pytest.fixture(scope="session")
def refsegrs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fake_sets.refsegrs(tmp_path_factory.mktemp("refsegrs") / "set")


@pytest.fixture
def small(rrsisd: Path, toy_vocabulary: Path) -> Overrides:
    """Overrides of rrsisd-released for a quick toy run: 3 steps an epoch of 2 micro-batches."""

    def overrides(*more: str) -> list[str]:
        return [
            *shrunk(toy_vocabulary),
            f"--data.root={rrsisd}",
            "--batch=2",
            "--epochs=2",
            "--compute.precision=float32",
            "--compute.workers=0",
            "--log.every=1",
            "--optimizer.lr.rest=1e-3",
            "--optimizer.lr.fusion=1e-3",
            *more,
        ]

    return overrides
