"""The loop knows nothing of RS2-SAM2: a learner of another kind trains, validates, saves and resumes with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from toy_runs import numbers

from rs2sam2.checkpoint.files import write_safetensors
from rs2sam2.config import ProcessorConfig
from rs2sam2.data.sample import Sample
from rs2sam2.predictor import Segmented
from rs2sam2.train.learner import Group
from rs2sam2.train.learners import LEARNERS, learner_class
from rs2sam2.train.loop import CHECKPOINT, train
from rs2sam2.train.recipe import Recipe, recipe_from_dict


@dataclass(frozen=True, kw_only=True)
class Options:
    picture: str
    weight: float = 1.0


class Threshold(nn.Module):
    """mask = brightness > threshold."""

    def __init__(self) -> None:
        super().__init__()
        self.threshold = nn.Parameter(torch.tensor(0.2))

    def forward(self, batch: Tensor) -> dict[str, Tensor]:
        loss = ((batch - self.threshold) ** 2).mean()
        return {"loss_total": loss, "loss_plain": loss}


class Bright:
    def __init__(self, threshold: float) -> None:
        self.threshold = threshold
        self.decision = ProcessorConfig(decision="logit")
        self.max_batch = 4

    def check(self, phrase: str) -> None: ...

    def __call__(
        self, images: Sequence[Image.Image], phrases: Sequence[str], image_index: Sequence[int], corrections: Any
    ) -> Segmented:
        grey = torch.stack([torch.from_numpy(np.array(images[i].convert("L"))).float() / 255 for i in image_index])
        return Segmented(grey[:, None] - self.threshold, torch.ones(len(phrases)), None)


class Numbers:
    """Not images: each item is a random number of its epoch and index."""

    epoch = 0

    def __len__(self) -> int:
        return 10

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __getitem__(self, index: int) -> float:
        return float(np.random.default_rng((self.epoch, index)).uniform(0.4, 0.6))


class ThresholdLearner:
    Options: ClassVar[type[Any]] = Options
    notes = ("a threshold",)

    def __init__(self, recipe: Recipe, device: torch.device) -> None:
        self.picture = Path(recipe.options.picture)
        self.module = Threshold().to(device)
        self.collate = torch.tensor

    def groups(self) -> list[Group]:
        return [Group("threshold", dict(self.module.named_parameters()))]

    def blocks(self) -> list[nn.Module]:
        return []

    def shards(self) -> list[nn.Module]:
        return []

    def training_data(self) -> Numbers:
        return Numbers()

    def validation_data(self) -> list[Sample]:
        from rs2sam2.data.masks import RLE

        truth = np.asarray(Image.open(self.picture).convert("L")) > 127
        target = RLE.encode(truth)
        return [Sample(id="1", phrase="bright", image=self.picture, split="val", source="test", targets=(target,))]

    def segmenter(self, state: Mapping[str, Tensor]) -> Bright:
        return Bright(float(state["threshold"]))

    def save(self, folder: Path, state: Mapping[str, Tensor]) -> None:
        write_safetensors(folder / "threshold.safetensors", {"threshold": (torch.float32, ())}, state.__getitem__, {})

    def fingerprint(self) -> dict[str, str]:
        return {"train": "numbers"}


@pytest.fixture
def recipe(monkeypatch: pytest.MonkeyPatch, picture: Path) -> dict[str, Any]:
    monkeypatch.setitem(LEARNERS, "threshold", f"{__name__}:ThresholdLearner")
    return {
        "name": "bright", "learner": "threshold", "picture": str(picture), "epochs": 4, "batch": 4,
        "optimizer": {"lr": {"rest": 0.05}}, "compute": {"workers": 0}, "log": {"every": 1},
    }  # fmt: skip


def test_another_learner_trains_with_the_same_loop(recipe: dict[str, Any], tmp_path: Path) -> None:
    assert learner_class("threshold").__name__ == "ThresholdLearner"
    result = train(recipe_from_dict(recipe), tmp_path / "whole")
    assert result.state.step == 8  # 10 items, 2 full batches an epoch
    (value,) = numbers(tmp_path / "whole" / CHECKPOINT, "model/").values()
    assert 0.4 < value < 0.6
    assert result.state.values["mIoU"] > 0.8
    train(recipe_from_dict({**recipe, "steps": 3}), tmp_path / "parts")
    train(recipe_from_dict(recipe), tmp_path / "parts", resume=True)
    assert torch.equal(next(iter(numbers(tmp_path / "parts" / CHECKPOINT, "model/").values())), value)


def test_every_learner_can_be_imported() -> None:
    for name in list(LEARNERS):
        assert hasattr(learner_class(name), "Options")
