from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from rs2sam2.model import memory

SCRIPT = """
import torch
from rs2sam2.model.memory import keep_freed

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096

kept = keep_freed() if {keep} else False
before = resident()
torch.ones(50_000_000)
print(kept, resident() - before > 150_000_000)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs the GNU C library")
@pytest.mark.parametrize("keep", [True, False])
def test_freed_memory_stays_with_the_process(keep: bool) -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT.format(keep=keep)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(keep), str(keep)]


def test_other_systems_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not memory.keep_freed()
