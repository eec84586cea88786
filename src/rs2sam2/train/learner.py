"""What the training loop asks of a learner. The loop knows nothing else of the model, its data or its losses.

A new learner is a class with these members and an entry in `train/learners.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from rs2sam2.data.sample import Sample
    from rs2sam2.predictor import Segmenter
    from rs2sam2.train.recipe import Recipe


@dataclass(frozen=True)
class Group:
    """Parameters that share a learning rate."""

    name: str
    """Key of `optimizer.lr`."""
    parameters: dict[str, nn.Parameter]
    """By their names in the learner's module. All are trainable."""


class TrainingData(Protocol):
    """Map-style data whose item i depends on the seed, the epoch and i alone: this is what makes a run resumable."""

    def __len__(self) -> int:
        """Items of an epoch."""
        ...

    def __getitem__(self, index: int) -> Any:
        """An item for `collate`. May be asked for in a worker process."""
        ...

    def set_epoch(self, epoch: int) -> None:
        """Called before each epoch."""
        ...


class Learner(Protocol):
    """A model with its data and losses."""

    Options: type[Any]
    """Frozen dataclass of the recipe's keys that are the learner's own."""

    module: nn.Module
    """Batch -> {"loss_total": scalar, and what else is worth logging}. Holds every parameter that is trained.

    It may be wrapped (DDP, FSDP2, autocast, bfloat16), so that everything has to pass through its `forward`.
    The loop averages the losses over micro-batches and processes.
    """

    collate: Callable[[Sequence[Any]], Any]
    """Items -> a batch with a method `to(device)`. It is sent to worker processes, so keep the model out of it."""

    def __init__(self, recipe: Recipe, device: torch.device) -> None:
        """Build the module on `device` from the recipe, seeded by `recipe.seed`."""
        ...

    notes: Sequence[str]
    """What the user should be told about the start."""

    def groups(self) -> Sequence[Group]:
        """All trainable parameters, each in one group."""
        ...

    def blocks(self) -> Sequence[nn.Module]:
        """Modules worth checkpointing (activations) and sharding one by one (FSDP2); they are called by `forward` alone."""
        ...

    def shards(self) -> Sequence[nn.Module]:
        """Modules that the loop is to round to bfloat16 while the rest is float32, and so to shard by themselves, inner ones
        first; empty where all is of one dtype."""
        ...

    def training_data(self) -> TrainingData:
        """The items to learn from."""
        ...

    def validation_data(self) -> Sequence[Sample]:
        """Samples that `segmenter` is scored on; empty where there are none."""
        ...

    def segmenter(self, state: Mapping[str, Tensor]) -> Segmenter:
        """What predicts with the module's weights `state` (names as in `module.state_dict()`, plain float32 tensors)."""
        ...

    def save(self, folder: Path, state: Mapping[str, Tensor]) -> None:
        """Write a weights folder that `Predictor.load` opens, file by file atomically."""
        ...

    def fingerprint(self) -> dict[str, str]:
        """What identifies the data of each split, for `run.json`."""
        ...
