"""Training throughput and memory.

    python benchmarks/training.py nano                 # samples/s and memory of the nano recipe on this CPU
    python benchmarks/training.py large                # on a GPU: the released configuration first, then ours
    python benchmarks/training.py memory               # arithmetic for the full size, anywhere, in seconds

`memory` runs the full-size model on torch's meta device, which computes shapes alone: weights, gradients and AdamW's
state are counted, and what the backward pass would keep is what autograd asks to have saved. It is not a measurement:
autocast is not applied, so that its rows keep float32 where a GPU would keep bfloat16.
Inputs are random; the data loader is not part of it. Each row is measured in a process of its own, so that no row's peak
of memory is another's. Printed as Markdown rows.
"""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing import get_context

import torch
from torch import Tensor

from rs2sam2.config import RS2SAM2Config
from rs2sam2.model.rs2sam2 import RS2SAM2
from rs2sam2.presets import preset
from rs2sam2.train.learner import Group
from rs2sam2.train.optimizer import MasterOptimizer
from rs2sam2.train.precision import arithmetic, isolate, recompute, round_parameters
from rs2sam2.train.progress import memory
from rs2sam2.train.recipe import Recipe, load_recipe
from rs2sam2.train.rs2sam2.batch import Batch
from rs2sam2.train.rs2sam2.components import GROUPS, group
from rs2sam2.train.rs2sam2.learner import freeze
from rs2sam2.train.rs2sam2.module import TrainedModel

WORDS = 9
ROWS = (
    ("released", "rrsisd-released", ()),
    ("released, checkpointing", "rrsisd-released", ("--compute.checkpointing=true",)),
    ("plus", "rrsisd-plus", ()),
    ("plus, no checkpointing", "rrsisd-plus", ("--compute.checkpointing=false",)),
    ("plus, bfloat16 weights", "rrsisd-plus", ("--compute.precision=bfloat16",)),
)


def build(recipe: Recipe, config: RS2SAM2Config, device: torch.device) -> tuple[TrainedModel, MasterOptimizer]:
    """The module and its optimizer as a learner builds them, without data."""
    with device:
        model = RS2SAM2(config)
    freeze(model, recipe.options.freeze)
    if recipe.compute.precision == "released":
        round_parameters(model.beit3)
        isolate(model.beit3, [model.beit3.patch_embedding])
    module = TrainedModel(model, recipe.options.losses)
    if recipe.compute.precision == "bfloat16":
        round_parameters(module)
    if recipe.compute.channels_last:
        module.to(memory_format=torch.channels_last)
    if recipe.compute.checkpointing:
        recompute([*model.beit3.layers, *getattr(model.trunk, "blocks", [])])
    named: dict[str, dict[str, torch.nn.Parameter]] = {name: {} for name in GROUPS}
    for name, parameter in module.named_parameters():
        if parameter.requires_grad:
            named[group(name)][name] = parameter
    return module, MasterOptimizer([Group(n, p) for n, p in named.items() if p], recipe.optimizer)


def random_batch(config: RS2SAM2Config, images: int, phrases: int, device: torch.device) -> Batch:
    """`phrases` about each of `images`."""
    size, beit3 = config.image_size, config.beit3
    count = images * phrases
    with device:
        ids = torch.full((count, WORDS), 9)
        return Batch(
            image=torch.randn(images, 3, size, size).contiguous(),
            image_beit3=None
            if beit3.patches == "trunk"
            else torch.randn(images, 3, beit3.image_size, beit3.image_size),
            token_ids=ids,
            text_padding=torch.zeros(count, WORDS, dtype=torch.bool),
            image_index=torch.arange(images).repeat_interleave(phrases),
            masks=torch.rand(count, size, size) > 0.7,
            targets=torch.ones(count, dtype=torch.bool),
        )


def timed(recipe: Recipe, config: RS2SAM2Config, phrases: int, device: torch.device, runs: int) -> tuple[float, float]:
    """Median seconds of a step over `per_device` images, and the peak of memory in bytes."""
    module, optimizer = build(recipe, config, device)
    batch = random_batch(config, recipe.per_device, phrases, device)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    times = []
    for _ in range(runs + 2):
        begin = time.perf_counter()
        with arithmetic(recipe.compute.precision, device):
            losses = module(batch)
        losses["loss_total"].backward()
        optimizer.collect()
        optimizer.norm(recipe.optimizer.clip)
        optimizer.step(1.0)
        if device.type == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - begin)
    return sorted(times[2:])[runs // 2], memory(device)


@contextmanager
def counted_saves(kept: dict[int, int], own: set[int]) -> Iterator[None]:
    """Bytes of each storage that autograd saves, but for those of `own` (the parameters)."""

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in own:
            kept[storage._cdata] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        yield


def saved_by_forward(module: TrainedModel, config: RS2SAM2Config) -> tuple[int, int]:
    """Bytes that a forward pass of one image keeps for the backward pass, and those of the block that keeps most."""
    meta = torch.device("meta")
    batch, dtype = random_batch(config, 1, 1, meta), next(module.model.trunk.parameters()).dtype
    kept: dict[int, int] = {}
    before: list[int] = []
    within: list[int] = []
    for block in (*module.model.beit3.layers, *module.model.trunk.blocks):
        block.register_forward_pre_hook(lambda *_: before.append(sum(kept.values())))
        block.register_forward_hook(lambda *_: within.append(sum(kept.values()) - before[-1]))
    own = {p.untyped_storage()._cdata for p in module.parameters()}
    with counted_saves(kept, own):
        output = module.model(batch.image.to(dtype), batch.image_beit3.to(dtype), batch.token_ids)
    del output
    return sum(kept.values()), max(within)


def arithmetic_row(title: str, name: str, overrides: tuple[str, ...]) -> str:
    """Bytes of each kind at full size and batch 1, on the meta device."""
    # hiding unknown words asks whether there are any, which a tensor without values cannot say
    recipe, config, meta = load_recipe(name, list(overrides)), preset("large", hide_unknown=False), torch.device("meta")
    module, optimizer = build(recipe, config, meta)
    weights = sum(p.nbytes for p in module.parameters())
    trained = sum(p.nbytes for p in optimizer.parameters.values())
    copies = sum(w.nbytes for n, w in optimizer.weights.items() if w is not optimizer.parameters[n])
    moments = sum(2 * 4 * w.numel() for w in optimizer.weights.values())
    gradients = copies + sum(p.nbytes for n, p in optimizer.parameters.items() if optimizer.weights[n] is p)
    mean = sum(4 * w.numel() for w in optimizer.weights.values()) if recipe.ema else 0
    saved, _ = saved_by_forward(module, config)
    block = 0
    if recipe.compute.checkpointing:
        whole = replace(recipe, compute=replace(recipe.compute, checkpointing=False))
        _, block = saved_by_forward(build(whole, config, meta)[0], config)
    total = weights + gradients + copies + moments + mean + saved + block
    parts = (weights, gradients, copies, moments, mean, saved, block, total)
    return f"| {title} | {trained / 2**30:.2f} | " + " | ".join(f"{part / 2**30:.2f}" for part in parts) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["nano", "large", "memory"])
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--threads", type=int)
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    print(f"torch {torch.__version__}, {platform.machine()}, {torch.get_num_threads()} threads")
    if args.what == "memory":
        print(
            "| recipe | trained weights | weights | gradients | master copies | AdamW | EMA | kept for backward | block again | GiB |"
        )
        print("|---|---|---|---|---|---|---|---|---|---|")
        for row in ROWS:
            print(arithmetic_row(*row), flush=True)
        return
    device = torch.device("cuda" if args.what == "large" else "cpu")
    if device.type == "cuda" and not torch.cuda.is_available():
        raise SystemExit("no GPU here; 'memory' gives the arithmetic anywhere")
    config = preset(args.what)
    print("| recipe | images a step | phrases an image | s/step | images/s | phrases/s | peak GB |")
    print("|---|---|---|---|---|---|---|")
    rows = (
        [(title, load_recipe(name, list(more)), 1) for title, name, more in ROWS]
        if args.what == "large"
        else [
            (f"nwpu-nano, {precision}", load_recipe("nwpu-nano", [f"--compute.precision={precision}"]), phrases)
            for precision in ("float32", "autocast")
            for phrases in (1, 8)
        ]
    )
    for title, recipe, phrases in rows:
        with ProcessPoolExecutor(1, get_context("spawn"), torch.set_num_threads, (torch.get_num_threads(),)) as alone:
            try:
                seconds, peak = alone.submit(timed, recipe, config, phrases, device, args.runs).result()
            except torch.OutOfMemoryError:
                print(f"| {title} | {recipe.per_device} | {phrases} | out of memory | | | |", flush=True)
                continue
        rate = recipe.per_device / seconds
        cells = (
            recipe.per_device,
            phrases,
            f"{seconds:.3f}",
            f"{rate:.2f}",
            f"{rate * phrases:.2f}",
            f"{peak / 1e9:.2f}",
        )
        print(f"| {title} | " + " | ".join(map(str, cells)) + " |", flush=True)


if __name__ == "__main__":
    main()
