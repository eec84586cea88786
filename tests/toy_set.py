"""Three pictures of red ships and blue vehicles, phrases about them, and a segmenter that goes by colour and side."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from rs2sam2.config import ProcessorConfig
from rs2sam2.data.registry import Dataset, open_dataset
from rs2sam2.errors import UsageError
from rs2sam2.predictor import Predictor, Segmented

HEIGHT, WIDTH, SIDE = 60, 80, 64
PAINT = {"ship": (230, 20, 20), "vehicle": (20, 20, 230)}
LEFT, MIDDLE, RIGHT = (5, 15, 20, 30), (35, 15, 45, 45), (60, 15, 75, 45)
SCENES = {
    "0.png": [("ship", LEFT), ("ship", RIGHT)],
    "1.png": [("vehicle", MIDDLE)],
    "2.png": [("ship", LEFT), ("vehicle", RIGHT)],
}
PHRASES = [  # image, phrase, which objects
    ("0.png", "the ship on the left", [0]),
    ("0.png", "the ship on the right", [1]),
    ("0.png", "both ships", [0, 1]),
    ("0.png", "the vehicle", []),
    ("1.png", "the vehicle", [0]),
    ("1.png", "the ship", []),
    ("2.png", "the ship", [0]),
    ("2.png", "the vehicle", [1]),
    ("2.png", "the vehicle on the left", []),
]


def write_set(folder: Path, *, layouts: bool = True) -> Dataset:
    """The set in the open format, as `data make-refs` would leave it."""
    (folder / "layouts").mkdir(parents=True)
    (folder / "dataset.json").write_text(json.dumps({"format": "rs2sam2-refs", "version": 1, "name": "toy"}))
    lines = []
    for name, objects in SCENES.items():
        pixels = np.full((HEIGHT, WIDTH, 3), 60, np.uint8)
        for category, (x0, y0, x1, y1) in objects:
            pixels[y0:y1, x0:x1] = PAINT[category]
        Image.fromarray(pixels).save(folder / name)
        listed = [{"category": c, "box": box, "area": (box[2] - box[0]) * (box[3] - box[1])} for c, box in objects]
        lines.append(json.dumps({"image": name, "width": WIDTH, "height": HEIGHT, "objects": listed}))
    if layouts:
        (folder / "layouts" / "val.jsonl").write_text("\n".join(lines) + "\n")
    samples = []
    for n, (image, phrase, members) in enumerate(PHRASES):
        noun = "ship" if "ship" in phrase else "vehicle"
        size = {"height": HEIGHT, "width": WIDTH}
        targets = [{"polygons": [ring(SCENES[image][m][1])]} for m in members]
        samples.append({"id": f"s{n}", "image": image, "phrase": phrase, "targets": targets, "category": noun} | size)
    (folder / "val.jsonl").write_text("".join(json.dumps(s) + "\n" for s in samples))
    return open_dataset(folder)


def ring(box: tuple[int, int, int, int]) -> list[int]:
    x0, y0, x1, y1 = box
    return [x0, y0, x1, y0, x1, y1, x0, y1]


class Colours:
    """Finds red for "ship" and blue for "vehicle", in the half of the picture that the phrase names; `blind` ignores sides."""

    decision = ProcessorConfig()

    def __init__(self, *, max_batch: int = 2, blind: bool = False) -> None:
        self.max_batch, self.blind = max_batch, blind
        self.batches: list[int] = []

    def check(self, phrase: str) -> None:
        if len(phrase.split()) > 12:
            raise UsageError("too long")

    def __call__(self, images, phrases, image_index, corrections) -> Segmented:
        self.batches.append(len(phrases))
        logits = [self._find(images[i], phrase) for i, phrase in zip(image_index, phrases, strict=True)]
        found = torch.tensor([bool((x > 0).any()) for x in logits])
        return Segmented(torch.stack(logits)[:, None], torch.full((len(phrases),), 0.5), torch.where(found, 0.9, 0.1))

    def _find(self, image: Image.Image, phrase: str) -> torch.Tensor:
        pixels = np.asarray(image.resize((SIDE, SIDE), Image.Resampling.NEAREST)).astype(int)
        band = 0 if "ship" in phrase else 2
        mask = pixels[..., band] > pixels[..., 2 - band] + 60
        half = np.zeros((SIDE, SIDE), bool)
        half[:, : SIDE // 2] = True
        for word, part in (("left", half), ("right", ~half), ("top", half.T), ("bottom", ~half.T)):
            if word in phrase and not self.blind:
                mask = mask & part
        return torch.from_numpy(np.where(mask, 8.0, -7.0)).float()


class Explaining(Colours):
    """One with diagnostics of its own."""

    min_score = 0.3

    def diagnose(
        self, image: Image.Image, phrases: Sequence[str], truths: Sequence[np.ndarray]
    ) -> list[dict[str, float]]:
        assert all(truth.shape == (image.height, image.width) and truth.any() for truth in truths)
        return [{"words": len(phrase.split()) / 10} for phrase in phrases]


def predictor(**options: object) -> Predictor:
    return Predictor(Colours(**options), "colours")
