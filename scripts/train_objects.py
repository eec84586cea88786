"""Train the object-first model. (Being moved into rs2sam2's own trainer.)"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from pathlib import Path
from random import Random

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, IterableDataset

from rs2sam2.data.builder.coco import read_coco
from rs2sam2.data.builder.index_masks import read_index_masks
from rs2sam2.objects.answer import members, outline
from rs2sam2.objects.candidates import overlap
from rs2sam2.objects.config import ObjectFirstConfig
from rs2sam2.objects.model import ObjectFirst
from rs2sam2.objects.training.layouts import LayoutSampler, read_layouts
from rs2sam2.objects.training.losses import losses, normalise, reading_losses
from rs2sam2.objects.training.phrases import PhraseMaker
from rs2sam2.objects.training.pools import image_pool, mosaic_pool
from rs2sam2.objects.training.targets import collate, item_of
from rs2sam2.objects.training.views import draw_view
from rs2sam2.tokenizer import Tokenizer

LEAKED = {"073.jpg", "288.jpg"}
WEIGHTS = {
    "centre": 1.0,
    "box": 1.0,
    "class": 1.0,
    "choice": 1.0,
    "membership": 0.5,
    "form": 0.3,
    "presence": 0.6,
    "mask": 1.0,
    "free_mask": 0.7,
    "ground": 0.7,
    "layout_choice": 0.7,
    "layout_membership": 0.4,
    "layout_form": 0.2,
    "layout_presence": 0.3,
}


def load_lite0(trunk, path):
    source = torch.load(path, weights_only=True)

    def fold(conv, source_conv, norm):
        gain = source[norm + ".weight"] / (source[norm + ".running_var"] + 1e-3).sqrt()
        conv.weight.data = source[source_conv + ".weight"] * gain[:, None, None, None]
        conv.bias.data = source[norm + ".bias"] - source[norm + ".running_mean"] * gain

    fold(trunk.stem, "_conv_stem", "_bn0")
    for i, block in enumerate(block for group in trunk.groups for block in group):
        if block.widen is not None:
            fold(block.widen, f"_blocks.{i}._expand_conv", f"_blocks.{i}._bn0")
        fold(block.filter, f"_blocks.{i}._depthwise_conv", f"_blocks.{i}._bn1")
        fold(block.narrow, f"_blocks.{i}._project_conv", f"_blocks.{i}._bn2")


def pools_of(data: Path, synthetic: Path | None):
    t = time.time()
    nwpu = data / "nwpu_vhr10"
    images = [
        i for i in read_coco(nwpu / "instances_train.json", nwpu / "images", "train") if i.image.name not in LEAKED
    ]
    pools = [image_pool("nwpu", images, 0.36, 0.5)]
    for name, weight in (("airplanes", 0.07), ("storage_tanks", 0.07), ("wind_turbines", 0.05), ("vehicles", 0.05)):
        pools.append(
            image_pool(name, read_coco(data / name / "instances.json", data / name / "images", "train"), weight, 0.5)
        )
    dubai = [
        i
        for i in read_index_masks(data / "dubai", data / "dubai", data / "dubai/labels.json", None)
        if not i.image.name.startswith(("tile7_", "tile8_"))
    ]
    pools.append(image_pool("dubai", dubai, 0.10, 0.2))
    for name, weight in (
        ("roads_japan", 0.015),
        ("roads_city", 0.02),
        ("buildings", 0.02),
        ("drone_10cm", 0.03),
        ("drone_5cm", 0.01),
        ("samples", 0.015),
    ):
        folder = data / "urban" / name
        pools.append(
            image_pool(
                name, read_index_masks(folder / "masks", folder / "images", folder / "labels.json", None), weight, 0.2
            )
        )
    folder = data / "urban/buildings_instances"
    pools.append(
        image_pool("houses", read_index_masks(folder / "masks", folder / "images", None, "building"), 0.02, 0.5)
    )
    pools.append(mosaic_pool("scenes", data / "scenes/labels.csv", 0.11))
    if synthetic and (synthetic / "instances.json").exists():
        pools.append(
            image_pool("synthetic", read_coco(synthetic / "instances.json", synthetic / "images", "train"), 0.10, 0.5)
        )
    print(
        f"pools read in {time.time() - t:.0f} s",
        [(p.name, len(getattr(p, "sources", getattr(p, "pictures", ())))) for p in pools],
        file=sys.stderr,
        flush=True,
    )
    return pools


class Stream(IterableDataset):
    def __init__(self, pools, config, views, phrases, seed):
        self.pools, self.config, self.views, self.phrases, self.seed = pools, config, views, phrases, seed

    def __iter__(self):
        info = torch.utils.data.get_worker_info()
        torch.set_num_threads(1)
        random = Random(f"{self.seed}/{info.id if info else 0}")
        maker = PhraseMaker(random)
        if isinstance(self.pools, tuple):  # opened where they are used: the training process needs its memory
            self.pools = pools_of(*self.pools)
        weights = [p.weight for p in self.pools]
        while True:
            items = []
            while len(items) < self.views:
                pool = random.choices(self.pools, weights)[0]
                view = draw_view(pool.draw(random), random, self.config.image_size, pool.zoom)
                asked = maker.about(
                    view.layout, view.known, view.counted, view.placed, [True] * len(view.masks), self.phrases
                )
                if asked or random.random() < 0.3:
                    items.append(item_of(view, asked, self.config))
            if any(i.asked for i in items):
                yield collate(items)


@torch.inference_mode()
def evaluate(model, tokenizer, refs: Path, split: str, limit: int | None, per_image: int = 6):
    from rs2sam2.data.refs import read

    model.eval()
    config = model.config
    by_image = {}
    for sample in read(refs, split):
        by_image.setdefault(sample.image, []).append(sample)
    rows = []
    random = Random(0)
    for path in sorted(by_image)[:limit]:
        samples = by_image[path]
        random.shuffle(samples)
        # single objects first: they are what is scored; some groups, some with no target
        samples = samples[:per_image]
        with Image.open(path) as opened:
            image = opened.convert("RGB")
        width, height = image.size
        pixels = np.asarray(image.resize((config.image_size,) * 2, Image.Resampling.BILINEAR))
        features = model.see(normalise(torch.from_numpy(pixels.copy())[None]))
        candidates = model.candidates(features)
        ids, padding = tokenizer.batch([s.phrase for s in samples])
        index = torch.zeros(len(samples), dtype=torch.int64)
        reading, tokens = model.read(candidates, features, ids, padding, index)
        chosen = members(reading, candidates, index)
        logits = outline(model, features, candidates, tokens, reading, index, chosen)
        big = torch.nn.functional.interpolate(logits[:, None], (height, width), mode="bilinear")[:, 0] > 0
        for p, s in enumerate(samples):
            row = {
                "kind": s.kind,
                "present": float(reading.presence[p]),
                "target": bool(s.targets),
                "n": len(s.targets),
                "category": s.category,
            }
            if s.targets:
                truth = s.load_mask((height, width))
                mask = big[p].numpy()
                union = (truth | mask).sum()
                row["iou"] = float((truth & mask).sum() / union) if union else 0.0
                row["size"] = float(truth.mean())
                row["form"] = int(reading.form[p].argmax())
                ys, xs = np.flatnonzero(truth.any(1)), np.flatnonzero(truth.any(0))
                box = torch.tensor([[[xs[0] / width, ys[0] / height, (xs[-1] + 1) / width, (ys[-1] + 1) / height]]])
                if len(s.targets) == 1:
                    fit = overlap(candidates.boxes, box.float())[0, :, 0]
                    i = int(fit.argmax())
                    row["box_iou"] = float(fit[i])
                    row["right"] = bool(chosen[p]) and float(fit[chosen[p][0]]) > 0.4
                    best = model.outline.of_objects(
                        features.object_features,
                        index[:1],
                        candidates.boxes[:, i],
                        tokens[:, i],
                        reading.objects[p : p + 1, i],
                    )
                    b = (
                        torch.nn.functional.interpolate(best[:, None], (height, width), mode="bilinear")[0, 0].numpy()
                        > 0
                    )
                    row["oracle"] = float((truth & b).sum() / max((truth | b).sum(), 1))
            rows.append(row)
    model.train()
    single = [r for r in rows if r["target"] and r["n"] == 1]
    group = [r for r in rows if r["target"] and r["n"] > 1]
    mean = lambda xs: round(float(np.mean(xs)), 4) if len(xs) else None  # noqa: E731
    kinds = sorted({r["kind"] for r in single})
    return {
        "n": len(rows),
        "single": mean([r["iou"] for r in single]),
        "pr50": mean([r["iou"] >= 0.5 for r in single]),
        "group": mean([r["iou"] for r in group]),
        "right": mean([r["right"] for r in single]),
        "oracle": mean([r["oracle"] for r in single]),
        "box": mean([r["box_iou"] for r in single]),
        "presence+": mean([r["present"] > 0 for r in rows if r["target"]]),
        "presence-": mean([r["present"] <= 0 for r in rows if not r["target"]]),
        "kinds": {
            k: [mean([r["iou"] for r in single if r["kind"] == k]), sum(r["kind"] == k for r in single)] for k in kinds
        },
    }


@torch.no_grad()
def calibrate(model, tokenizer, refs: Path, split: str):
    """Slope and offset of presence, fitted on every second image of a split; how often it is right on the others."""
    from rs2sam2.data.refs import read

    by_image = {}
    for sample in read(refs, split):
        by_image.setdefault(sample.image, []).append(sample)
    halves = ([], [])
    for n, path in enumerate(sorted(by_image)):
        samples = by_image[path]
        with Image.open(path) as opened:
            pixels = np.asarray(opened.convert("RGB").resize((model.config.image_size,) * 2, Image.Resampling.BILINEAR))
        features = model.see(normalise(torch.from_numpy(pixels.copy())[None]))
        ids, padding = tokenizer.batch([s.phrase for s in samples])
        reading, _ = model.read(
            model.candidates(features), features, ids, padding, torch.zeros(len(samples), dtype=torch.int64)
        )
        halves[n % 2].extend((float(x), bool(s.targets)) for x, s in zip(reading.presence, samples, strict=True))
    x, y = (torch.tensor(v) for v in zip(*halves[0], strict=True))
    # both answers count alike: how many phrases of a user are true, nobody knows
    weight = torch.where(y, 0.5 / y.float().mean(), 0.5 / (~y).float().mean())
    slope, offset = torch.ones((), requires_grad=True), torch.zeros((), requires_grad=True)
    optimizer = torch.optim.LBFGS([slope, offset], max_iter=200)

    def closure():
        optimizer.zero_grad()
        with torch.enable_grad():
            loss = torch.nn.functional.binary_cross_entropy_with_logits(slope * x + offset, y.float(), weight)
        loss.backward()
        return loss

    optimizer.step(closure)
    u, v = (torch.tensor(z) for z in zip(*halves[1], strict=True))
    p = (slope.detach() * u + offset.detach()).sigmoid()
    print(
        "calibrated",
        float(slope),
        float(offset),
        "right on others: target",
        float((p[v] >= 0.5).float().mean()),
        "no target",
        float((p[~v] < 0.5).float().mean()),
        file=sys.stderr,
    )
    return float(slope), float(offset)


def export(run: Path, target: Path, vocabulary: Path, refs: Path):
    import dataclasses

    from rs2sam2.objects.files import save

    config = ObjectFirstConfig()
    model = ObjectFirst(config)
    model.load_state_dict(torch.load(run / "average.pt", weights_only=True))
    tokenizer = Tokenizer(vocabulary, config.vocabulary, config.max_tokens)
    slope, offset = calibrate(model.eval(), tokenizer, refs, "val")
    model.config = dataclasses.replace(config, presence_slope=round(slope, 4), presence_offset=round(offset, 4))
    steps = torch.load(run / "last.pt", weights_only=True)["step"]
    save(model, target, vocabulary, torch.float16, {"steps": str(steps)})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--refs", type=Path)
    parser.add_argument("--dubai", type=Path)
    parser.add_argument("--synthetic", type=Path)
    parser.add_argument("--run", type=Path, default=Path("runs/objects"))
    parser.add_argument("--lite0")
    parser.add_argument("--minutes", type=float, default=120)
    parser.add_argument("--views", type=int, default=8)
    parser.add_argument("--phrases", type=int, default=11)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--vocabulary", default="src/rs2sam2/assets/nano/vocabulary.spm")
    parser.add_argument("--lr", type=float, default=6e-4)
    parser.add_argument("--steps", type=int, default=0)
    parser.add_argument("--freeze", type=int, default=2)
    parser.add_argument(
        "--export", type=Path, metavar="DIR", help="write the run's averaged weights as a folder instead"
    )
    args = parser.parse_args()
    if args.export:
        export(args.run, args.export, Path(args.vocabulary), args.refs)
        return
    args.run.mkdir(parents=True, exist_ok=True)
    config = ObjectFirstConfig()
    tokenizer = Tokenizer(args.vocabulary, config.vocabulary, config.max_tokens)
    torch.manual_seed(int(time.time()))
    model = ObjectFirst(config)
    if args.lite0:
        load_lite0(model.trunk, args.lite0)
    if args.freeze >= 0:
        for module in (model.trunk.stem, *model.trunk.groups[: args.freeze]):
            module.requires_grad_(False)
    model = model.to(memory_format=torch.channels_last)
    trunk = [p for p in model.trunk.parameters() if p.requires_grad]
    inside = set(map(id, trunk))
    decayed = [p for p in model.parameters() if p.requires_grad and id(p) not in inside and p.ndim > 1]
    plain = [p for p in model.parameters() if p.requires_grad and id(p) not in inside and p.ndim <= 1]
    optimizer = torch.optim.AdamW(
        [
            {"params": trunk, "lr": args.lr * 0.4, "weight_decay": 0.02},
            {"params": decayed, "lr": args.lr, "weight_decay": 0.02},
            {"params": plain, "lr": args.lr, "weight_decay": 0.0},
        ]
    )
    peak = [g["lr"] for g in optimizer.param_groups]
    average = {k: v.clone() for k, v in model.state_dict().items()}
    step, spent = 0, 0.0
    last_file = args.run / "last.pt"
    if last_file.exists():
        saved = torch.load(last_file, weights_only=True)
        fits = {k: v for k, v in saved["model"].items() if model.state_dict()[k].shape == v.shape}
        model.load_state_dict(fits, strict=False)
        if len(fits) == len(model.state_dict()):
            optimizer.load_state_dict(saved["optimizer"])
        average = {k: v.clone() for k, v in model.state_dict().items()} | {
            k: v for k, v in saved["average"].items() if k in fits
        }
        step, spent = saved["step"], saved["spent"]
    loader = iter(
        DataLoader(
            Stream((args.data, args.synthetic), config, args.views, args.phrases, step),
            batch_size=None,
            num_workers=args.workers,
            prefetch_factor=4 if args.workers else None,
        )
    )
    real = read_layouts(args.data / "layouts/rrsisd_layouts.jsonl.gz")
    print(len(real), "real phrases", file=sys.stderr, flush=True)
    sampler = LayoutSampler(real, config, Random(step))
    log = (args.run / "log.txt").open("a")

    def say(line):
        print(line, file=sys.stderr, flush=True)
        log.write(line + "\n")
        log.flush()

    means = {}
    saved_at = scored_at = time.monotonic()
    last = time.monotonic()
    while spent < args.minutes * 60 and not (args.steps and step >= args.steps):
        progress = spent / (args.minutes * 60)
        # held, then falling over the last 40 %: a longer run can go on from here
        factor = min(1, (step + 1) / 200) * (
            1 if progress < 0.6 else 0.02 + 0.98 * (1 + math.cos(math.pi * (progress - 0.6) / 0.4)) / 2
        )
        for group, lr in zip(optimizer.param_groups, peak, strict=True):
            group["lr"] = lr * factor
        t0 = time.monotonic()
        batch = next(loader)
        waited = time.monotonic() - t0
        ids, padding = tokenizer.batch(batch.phrases)
        parts = losses(model, batch, ids, padding)
        seen = sampler.batch(8, 5)
        ids, padding = tokenizer.batch(seen.phrases)
        reading, _ = model.read(seen.candidates, None, ids, padding, seen.image_index)
        parts |= {f"layout_{k}": v for k, v in reading_losses(reading, seen.fits, seen.form, seen.present).items()}
        loss = sum(WEIGHTS[k] * v for k, v in parts.items())
        optimizer.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_([p for p in model.parameters() if p.requires_grad], 5.0)
        if not torch.isfinite(norm):
            say(f"step {step} skipped: gradient norm {norm}")
            continue
        optimizer.step()
        decay = min(0.9985, (step + 1) / (step + 10))
        with torch.no_grad():
            for k, v in model.state_dict().items():
                average[k].lerp_(v, 1 - decay)
        step += 1
        now = time.monotonic()
        spent, last = spent + min(now - last, 30), now
        values = {k: float(v.detach()) for k, v in parts.items()} | {
            "wait": waited,
            "phrases": len(batch.phrases),
            "norm": float(norm),
        }
        with torch.no_grad():
            values["layout_right"] = values.get("layout_right", 0)
            told = (seen.fits > 0).any(1) & (seen.form == 0)
            values["layout_right"] = float(
                (seen.fits[told].gather(1, reading.choice[told].argmax(1, keepdim=True)) > 0).float().mean()
            )
        for k, v in values.items():
            means[k] = 0.97 * means.get(k, v) + 0.03 * v
        if step % 50 == 0:
            say(f"step {step} min {spent / 60:.1f} " + " ".join(f"{k} {v:.3f}" for k, v in means.items()))
        done = spent >= args.minutes * 60 or (args.steps and step >= args.steps)
        if now - saved_at > 180 or done:
            torch.save(
                {
                    "model": model.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "average": average,
                    "step": step,
                    "spent": spent,
                },
                args.run / "last.tmp",
            )
            (args.run / "last.tmp").replace(last_file)
            saved_at = now
        if args.refs and (now - scored_at > 1200 or done):
            scorer = ObjectFirst(config)
            scorer.load_state_dict(average)
            try:
                say(f"step {step} val " + json.dumps(evaluate(scorer, tokenizer, args.refs, "val", None)))
                if args.dubai:
                    say(f"step {step} dubai " + json.dumps(evaluate(scorer, tokenizer, args.dubai, "val", None, 10)))
            except Exception as error:  # a fault of the scorer must not end a long run
                say(f"scoring failed: {error!r}")
            torch.save(average, args.run / "average.tmp")
            (args.run / "average.tmp").replace(args.run / "average.pt")
            scored_at = last = time.monotonic()
    os._exit(0)


if __name__ == "__main__":
    main()
