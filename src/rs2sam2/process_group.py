"""The processes that torchrun started, joined, and left without a trace."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module


@contextmanager
def process_group(backend: str) -> Iterator[None]:
    """Join this process to the others for the length of a `with`. `backend`: gloo, or nccl where each has a GPU.

    Who leaves waits for the others; who leaves by an error does not. A thread of gloo that still puts down what it sent
    when Python ends aborts the process ("terminate called without an active exception"): so nothing is under way then,
    and nothing keeps the group, but the caches of a sharded model.
    """
    import torch.distributed as dist

    # It keeps the group that it finds, and models import it by the way: so it comes first, while there is none.
    import_module("torch._dynamo")
    dist.init_process_group(backend)
    try:
        yield
        dist.barrier()  # nobody leaves while another still talks to it
    finally:
        gc.collect()  # a sharded model refers to the group in circles
        dist.destroy_process_group()
