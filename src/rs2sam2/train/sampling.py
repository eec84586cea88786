"""Which items make which step: a function of the seed and the epoch, so that a run can go on anywhere in an epoch.

The micro-batches of a step do not depend on the number of processes; process r of n takes micro-batches r, r + n, ...
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.data import DataLoader

from rs2sam2.errors import RS2SAM2Error, UsageError
from rs2sam2.train.distributed import World
from rs2sam2.train.interrupt import Interrupt
from rs2sam2.train.learner import Learner, TrainingData
from rs2sam2.train.recipe import Recipe


def steps_per_epoch(items: int, batch: int) -> int:
    """Full batches; at least one, since fewer items than a batch are repeated."""
    return max(1, items // batch)


def order(items: int, seed: int, epoch: int) -> list[int]:
    """A permutation of the items."""
    generator = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
    return torch.randperm(items, generator=generator).tolist()


def micro_batches(recipe: Recipe, items: int, epoch: int) -> list[list[list[int]]]:
    """Steps of an epoch, each a list of micro-batches, each a list of items."""
    shuffled = order(items, recipe.seed, epoch)
    while len(shuffled) < recipe.batch:
        shuffled = shuffled + shuffled
    size = recipe.per_device
    steps = []
    for step in range(steps_per_epoch(items, recipe.batch)):
        taken = shuffled[step * recipe.batch : (step + 1) * recipe.batch]
        steps.append([taken[i : i + size] for i in range(0, recipe.batch, size)])
    return steps


def accumulated(recipe: Recipe, world: World) -> int:
    """Micro-batches that each process computes for a step. Raises UsageError where they cannot be shared out evenly."""
    count = recipe.batch // recipe.per_device
    if count % world.size:
        raise UsageError(
            f"recipe: batch {recipe.batch} in micro-batches of {recipe.per_device} is {count}, not a multiple of the "
            f"{world.size} processes; change --batch or --per_device"
        )
    return count // world.size


def load(
    learner: Learner, data: TrainingData, recipe: Recipe, world: World, epoch: int, position: int
) -> Iterator[list[Any]]:
    """The batches of each step of this process, from step `position` of the epoch on."""
    data.set_epoch(epoch)
    steps = [micro[world.rank :: world.size] for micro in micro_batches(recipe, len(data), epoch)[position:]]
    flat: Sequence[list[int]] = [indices for step in steps for indices in step]
    if not flat:
        return
    loader: DataLoader[Any] = DataLoader(
        _Guarded(data),  # type: ignore[arg-type]
        batch_sampler=flat,
        collate_fn=_GuardedCollate(learner.collate),
        num_workers=recipe.compute.workers,
        worker_init_fn=Interrupt.ignore,
        prefetch_factor=2 if recipe.compute.workers else None,
        pin_memory=world.device.type == "cuda",
        # Its own generator: the loader draws a seed for its workers, and the run's numbers must not depend on how
        # often a loader was made.
        generator=torch.Generator().manual_seed(recipe.seed),
    )
    with Interrupt.held_back():
        batches = iter(loader)
    try:
        for step in steps:
            yield [_checked(next(batches)) for _ in step]
    finally:
        # its processes end with it, and not with a traceback that still holds this frame: they ignore signals, and
        # Python would wait for them for ever
        del batches


class _Guarded:
    """Data whose errors come back as values: raised in a worker, they would arrive wrapped in its traceback."""

    def __init__(self, data: TrainingData) -> None:
        self.data = data

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> Any:
        try:
            return self.data[index]
        except RS2SAM2Error as error:
            return error


class _GuardedCollate:
    """Likewise for what makes a batch of items."""

    def __init__(self, collate: Callable[[Sequence[Any]], Any]) -> None:
        self.collate = collate

    def __call__(self, items: Sequence[Any]) -> Any:
        failed = [item for item in items if isinstance(item, RS2SAM2Error)]
        if failed:
            return _Failure(failed[0])
        try:
            return self.collate(items)
        except RS2SAM2Error as error:
            return _Failure(error)


@dataclass(frozen=True)
class _Failure:
    error: RS2SAM2Error

    def pin_memory(self) -> _Failure:
        return self


def _checked(batch: Any) -> Any:
    if isinstance(batch, _Failure):
        raise batch.error
    return batch
