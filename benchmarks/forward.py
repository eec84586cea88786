"""One phrase about one image, at the released size and in small, in every mode: seconds, TFLOP/s, peak memory.

    python benchmarks/forward.py [--runs 3]

What `rs2sam2 bench` prints for the two presets with random weights; each row is measured in a process of its own.
"""

from __future__ import annotations

import sys

from rs2sam2.cli import run

MODES = {"large": ("float32", "mixed", "bfloat16"), "nano": ("float32", "bfloat16")}

if __name__ == "__main__":
    for preset, modes in MODES.items():
        flags = [word for mode in modes for word in ("--dtype", mode)]
        if code := run(["bench", "--preset", preset, *flags, *sys.argv[1:]]):
            sys.exit(code)
