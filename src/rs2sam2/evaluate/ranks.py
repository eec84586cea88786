"""One process or many (torchrun): who does what, and everything back together."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from rs2sam2.process_group import process_group

T = TypeVar("T")


@dataclass(frozen=True)
class Ranks:
    """This process among `count`."""

    rank: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        """Whether this one writes and prints."""
        return self.rank == 0

    def gather(self, mine: list[T]) -> list[T]:
        """The lists of all ranks, one after the other, on every rank."""
        if self.count == 1:
            return mine
        import torch.distributed as dist

        lists: list[list[T]] = [[] for _ in range(self.count)]
        dist.all_gather_object(lists, mine)
        return [item for part in lists for item in part]


@contextmanager
def joined() -> Iterator[Ranks]:
    """The ranks that torchrun started, joined over gloo (results travel as Python objects); one where it did not."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield Ranks()
        return
    import torch.distributed as dist

    with process_group("gloo"):
        yield Ranks(dist.get_rank(), dist.get_world_size())


def local_device(device: str) -> str:
    """`auto` becomes this rank's own GPU where a host has several ranks and GPUs."""
    if device != "auto" or int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return device
    import torch

    if not torch.cuda.is_available():
        return "cpu"
    return f"cuda:{int(os.environ.get('LOCAL_RANK', '0')) % torch.cuda.device_count()}"
