"""From the logit of presence to a probability, fitted on phrases about images that nothing was learned from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from rs2sam2.data.language.known import names_a_class
from rs2sam2.data.language.plain import plain
from rs2sam2.data.sample import Sample
from rs2sam2.errors import UsageError
from rs2sam2.objects.config import ObjectFirstConfig
from rs2sam2.objects.model import ObjectFirst, normalise
from rs2sam2.objects.segmenter import UNHEARD_OF
from rs2sam2.objects.symbolic import Layouts, second_opinion
from rs2sam2.tokenizer import Tokenizer
from rs2sam2.train.objects.sources import Pixels

FEWEST = 10
"""Phrases with a target, and without one, that a fit needs at least."""


@dataclass(frozen=True)
class Question:
    """An image (S, S, 3) as the model sees it, phrases about it, and whether each means something there."""

    image: Pixels
    phrases: Sequence[str]
    there: Sequence[bool]


@dataclass(frozen=True)
class Slope:
    """presence = sigmoid(slope * logit + offset)."""

    slope: float = 1.0
    offset: float = 0.0

    def of(self, config: ObjectFirstConfig) -> ObjectFirstConfig:
        """The configuration with this calibration, to four digits."""
        return replace(config, presence_slope=round(self.slope, 4), presence_offset=round(self.offset, 4))


@torch.inference_mode()
def presence_logits(
    model: ObjectFirst, tokenizer: Tokenizer, questions: Iterable[Question]
) -> tuple[Tensor, Tensor, Tensor]:
    """Of all phrases, on the CPU: the logit of presence (P,), whether the referent is there (P,) bool, and whether it is
    called by the name of a class that was taught (P,) bool.

    Phrases are asked as `ObjectSegmenter` asks them: in plain words, and with a second opinion (`rs2sam2.objects.symbolic`).
    Raises UsageError for one that is too long then.
    """
    device, classes = next(model.parameters()).device, model.config.taught
    logits: list[Tensor] = []
    there: list[bool] = []
    heard: list[bool] = []
    for question in questions:
        if not question.phrases:
            continue
        features = model.see(normalise(torch.tensor(question.image)[None].to(device)))
        phrases = [plain(phrase, classes) for phrase in question.phrases]
        ids, padding = tokenizer.batch(phrases)
        index = torch.zeros(len(ids), dtype=torch.int64, device=device)
        candidates = model.candidates(features)
        reading, _ = model.read(candidates, features, ids.to(device), padding.to(device), index)
        height, width = question.image.shape[:2]
        layouts = Layouts.of(candidates, model.config.things, width, height, model.config.untaught)
        reading = second_opinion(reading, [layouts], phrases, index)
        logits.append(reading.presence.cpu())
        there += question.there
        heard += [names_a_class(phrase, classes) for phrase in phrases]
    out = torch.cat(logits) if logits else torch.zeros(0)
    return out, torch.tensor(there, dtype=torch.bool), torch.tensor(heard, dtype=torch.bool)


def fit(logits: Tensor, there: Tensor, group: Tensor | None = None) -> Slope | None:
    """Logistic regression of `there` (P,) bool on `logits` (P,); None where too few phrases are of one answer.

    Both answers weigh alike: how many phrases of a user are true, nobody knows. So do groups, where `group` (P,) says
    which each phrase is of. Targets are smoothed as in J. Platt, "Probabilistic outputs for support vector machines",
    1999, so that the slope is finite where nothing overlaps. A logit that says the opposite is left as it is.
    """
    of = torch.zeros(len(there), dtype=torch.int64) if group is None else group
    kinds = 2 * of + there
    counts = torch.bincount(kinds, minlength=2 * int(of.max() + 1) if len(of) else 2)
    if int(counts.min()) < FEWEST:
        return None
    positive, negative = int(there.sum()), int((~there).sum())
    x = logits.detach().clone().double()
    weight = 1 / (len(counts) * counts.double())[kinds]
    target = torch.where(there, (positive + 1) / (positive + 2), 1 / (negative + 2)).double()
    with torch.enable_grad():
        line = torch.tensor([1.0, 0.0], dtype=torch.float64, requires_grad=True)
        optimizer = torch.optim.LBFGS([line], max_iter=200, line_search_fn="strong_wolfe")

        def closure() -> Tensor:
            optimizer.zero_grad()
            loss = F.binary_cross_entropy_with_logits(line[0] * x + line[1], target, weight, reduction="sum")
            loss.backward()
            return loss

        optimizer.step(closure)
    slope, offset = line.tolist()
    return Slope(slope, offset) if slope > 0 else Slope()


@dataclass(frozen=True)
class Measured:
    """A calibration fitted on half of the images of some data sets, and how often it is right on the other half of each."""

    line: Slope
    target: tuple[float, ...]
    """Share of each set's phrases with a target that are found there, at a threshold of 0.5."""
    no_target: tuple[float, ...]
    """Share of those without one that are refused."""


def calibrate_on(model: ObjectFirst, tokenizer: Tokenizer, sets: Sequence[Sequence[Sample]]) -> Measured:
    """Fitted on every second image of each referring data set's samples, measured on the others. Each set weighs alike.

    Phrases that name no class of the model are not fitted, whose presence is cut afterwards; they are measured so. Raises
    UsageError where one set has too few phrases of one kind, or one that is too long; DataError where an image cannot be read.
    """
    fitted, measured = [], []
    for samples in sets:
        by_image: defaultdict[Path, list[Sample]] = defaultdict(list)
        for sample in samples:
            by_image[sample.image].append(sample)
        rows, side = [by_image[path] for path in sorted(by_image)], model.config.image_size
        u, v, heard = presence_logits(model, tokenizer, (_question(row, side) for row in rows[::2]))
        fitted.append((u[heard], v[heard]))
        measured.append(presence_logits(model, tokenizer, (_question(row, side) for row in rows[1::2])))
    logits, there = (torch.cat(parts) for parts in zip(*fitted, strict=True))
    group = torch.cat([torch.full_like(y, k, dtype=torch.int64) for k, (_, y) in enumerate(fitted)])
    line = fit(logits, there, group)
    if line is None or any(v.all() or not v.any() for _, v, _ in measured):
        counts = ", ".join(f"{int(y.sum())} and {int((~y).sum())}" for _, y in fitted)
        raise UsageError(
            f"presence is calibrated on at least {FEWEST} phrases with a target and {FEWEST} without one, on half of the "
            f"images of each set; there are {counts}. Make more with rs2sam2 data make-refs"
        )
    found = []
    for u, v, heard in measured:
        presence = (line.slope * u + line.offset).sigmoid() * torch.where(heard, 1.0, UNHEARD_OF)
        found.append((presence >= 0.5, v))
    return Measured(
        line,
        tuple(float(f[v].float().mean()) for f, v in found),
        tuple(float((~f[~v]).float().mean()) for f, v in found),
    )


def _question(samples: Sequence[Sample], side: int) -> Question:
    square = samples[0].load_image().resize((side, side), Image.Resampling.BILINEAR)
    return Question(np.array(square), [s.phrase for s in samples], [bool(s.targets) for s in samples])
