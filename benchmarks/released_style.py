"""One forward in the manner of the released code: float32, one image, attention with its weights written out.

    CUDA_LAUNCH_BLOCKING=1 python benchmarks/released_style.py WEIGHTS --device cuda

It is the baseline of benchmarks/gpu.sh. The model is this package's, not made ready, so it flatters the released code.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time

import torch
from torch import Tensor
from torch.nn import functional as F

from rs2sam2 import RS2SAM2
from rs2sam2.bench import example_inputs


def written_out(q: Tensor, k: Tensor, v: Tensor, attn_mask: Tensor | None = None) -> Tensor:
    scores = q @ k.mT * q.shape[-1] ** -0.5
    if attn_mask is not None:
        scores = scores.masked_fill(~attn_mask, -torch.inf)
    return scores.softmax(-1) @ v


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--runs", type=int, default=10)
    args = parser.parse_args()
    F.scaled_dot_product_attention = written_out
    device = torch.device(args.device)
    model = RS2SAM2.from_pretrained(args.weights, device=device)
    inputs = example_inputs(model.config, 1, device)
    seconds = []
    with torch.inference_mode():
        for run in range(args.runs + 1):
            start = time.perf_counter()
            model(*inputs)
            if device.type == "cuda":
                torch.cuda.synchronize()
            if run:
                seconds.append(time.perf_counter() - start)
    print(
        json.dumps({"seconds_per_phrase": statistics.median(seconds), "fastest": min(seconds), "slowest": max(seconds)})
    )


if __name__ == "__main__":
    main()
