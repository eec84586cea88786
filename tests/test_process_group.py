"""Processes that torchrun started leave each other whole: a thread of the group that lives when Python ends aborts it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import os
import torch
import torch.distributed as dist
from torch import nn
from rs2sam2.process_group import process_group

def threads():
    return sorted(open(f"/proc/self/task/{thread}/comm").read().strip() for thread in os.listdir("/proc/self/task"))

with process_group("gloo"):
    with torch.device("meta"):
        nn.Embedding(2, 2)  # imports a part of torch that keeps the group which is there then
    model = nn.parallel.DistributedDataParallel(nn.Linear(2, 2))
    model(torch.ones(1, 2)).sum().backward()
    heard = [None] * dist.get_world_size()
    dist.all_gather_object(heard, dist.get_rank())
    assert heard == [0, 1] and any("gloo" in name for name in threads())
    del model
left = [name for name in threads() if "gloo" in name]
assert not left, left
"""


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="lists threads as Linux does")
def test_no_thread_of_the_group_outlives_it(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    command = [*launcher, str(tmp_path / "program.py")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
