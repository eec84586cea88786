"""Several processes, one run: started by torchrun, joined by DDP or FSDP2.

Everything here also works in a single process, where it does nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from rs2sam2.errors import RS2SAM2Error, UsageError
from rs2sam2.process_group import process_group

if TYPE_CHECKING:
    from rs2sam2.train.learner import Learner


class RankError(RS2SAM2Error):
    """Another process of the run failed and has said why."""

    exit_code = 4


@dataclass(frozen=True)
class World:
    """This process among those of the run."""

    device: torch.device
    rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        """Whether this process writes files and speaks to the user."""
        return self.rank == 0

    def mean(self, values: Sequence[float]) -> list[float]:
        """Each value's mean over the processes."""
        if self.size == 1:
            return list(values)
        tensor = torch.tensor(
            values, dtype=torch.float64 if self.device.type == "cpu" else torch.float32, device=self.device
        )
        dist.all_reduce(tensor)
        return [float(v) for v in tensor / self.size]

    def gather(self, value: Any) -> list[Any]:
        """Every process's value, in the order of ranks."""
        if self.size == 1:
            return [value]
        values: list[Any] = [None] * self.size
        dist.all_gather_object(values, value)
        return values

    def agree(self, failure: RS2SAM2Error | None) -> None:
        """Raise in all processes where one has failed: its own error there, `RankError` elsewhere."""
        messages = self.gather(None if failure is None else str(failure))
        if failure is not None:
            raise failure
        said = [m for m in messages if m is not None]
        if said:
            raise RankError(said[0])


@contextmanager
def join(device: str) -> Iterator[World]:
    """The processes that torchrun started, or this one alone. `device` as in `Predictor.load`.

    Raises UsageError where there are more processes on this machine than GPUs asked for.
    """
    from rs2sam2.predictor import pick_device

    size, local = int(os.environ.get("WORLD_SIZE", 1)), int(os.environ.get("LOCAL_RANK", 0))
    place = pick_device(device)
    if size == 1:
        yield World(place)
        return
    if place.type == "cuda":
        if local >= torch.cuda.device_count():
            count = torch.cuda.device_count()
            raise UsageError(
                f"process {local} has no GPU ({count} there): torchrun --nproc-per-node {count}, or --compute.device=cpu"
            )
        place = torch.device("cuda", local)
        torch.cuda.set_device(place)
    with process_group("nccl" if place.type == "cuda" else "gloo"):
        yield World(place, dist.get_rank(), size)


def spread(learner: Learner, world: World, parallel: str) -> nn.Module:
    """The learner's module, ready for several processes: wrapped by DDP, or its parameters sharded in place (FSDP2).

    Call it before an optimizer is built: sharding replaces the parameters.
    """
    if world.size == 1:
        return learner.module
    if parallel == "ddp":
        from torch.nn.parallel import DistributedDataParallel

        # Some parameters have no gradient (SAM2's point prompts), and which do may change with the batch (no-target
        # phrases alone teach no mask), so the graph is searched.
        ids = [world.device.index] if world.device.type == "cuda" else None
        return DistributedDataParallel(
            learner.module, device_ids=ids, find_unused_parameters=True, broadcast_buffers=False
        )
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    mesh = init_device_mesh(world.device.type, (world.size,))
    for module in (*learner.blocks(), *learner.shards(), learner.module):
        fully_shard(module, mesh=mesh)
    return learner.module


@contextmanager
def gradients_shared(module: nn.Module, wanted: bool) -> Iterator[None]:
    """Whether the backward pass inside averages gradients over the processes; else they only accumulate here."""
    from torch.distributed.fsdp import FSDPModule
    from torch.nn.parallel import DistributedDataParallel

    if isinstance(module, FSDPModule):
        module.set_requires_gradient_sync(wanted)
        yield
    elif isinstance(module, DistributedDataParallel) and not wanted:
        with module.no_sync():
            yield
    else:
        yield


def whole(tensor: Tensor) -> Tensor:
    """A sharded tensor put together (every process must ask), any other as it is."""
    from torch.distributed.tensor import DTensor

    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


@torch.no_grad()
def fill(tensor: Tensor, value: Tensor) -> None:
    """Copy a whole tensor into one that may be sharded; each process keeps its part."""
    from torch.distributed.tensor import DTensor, distribute_tensor

    value = value.to(device=tensor.device, dtype=tensor.dtype)
    if isinstance(tensor, DTensor):
        value = distribute_tensor(value, tensor.device_mesh, tensor.placements, src_data_rank=None)
    tensor.copy_(value)
