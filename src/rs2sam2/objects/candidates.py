"""Candidates: the objects proposed in an image, and what a phrase can know of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rs2sam2.model.layers import MLP
from rs2sam2.objects.config import ObjectFirstConfig
from rs2sam2.objects.pyramid import OBJECT_FEATURES, ImageFeatures

POINTS = (-0.6, 0.0, 0.6)  # of each axis of a box, from its centre (0) to its sides (1), where it is looked at
AROUND = (-1.25, -0.85, 0.0, 0.85, 1.25)  # the same, from outside of its sides
COUNTS = 5  # ranks are told apart up to this many
ORDERS = 7  # left, right, top, bottom, large, small, central
WAVES = 4
PAIR_FACTS = 11


@dataclass
class Candidates:
    """K candidates in each of B images. Boxes are x0 y0 x1 y1 in [0, 1]."""

    boxes: Tensor  # (B, K, 4)
    classes: Tensor  # (B, K, classes), probabilities
    score: Tensor  # (B, K), in [0, 1]
    padding: Tensor  # (B, K) bool, True = there is none
    cells: Tensor | None = None  # (B, K), index of the cell that proposed it


def peaks(centres: Tensor, count: int) -> Tensor:
    """The `count` best cells (B, K) of centre logits (B, things, H, W) that are the highest among their neighbours.

    A small square may have fewer cells: then all of them, the best first.
    """
    best = centres.amax(1, keepdim=True)
    count = min(count, best[0].numel())
    highest = F.max_pool2d(best, 3, stride=1, padding=1)
    return best.masked_fill(best < highest, -1e4).flatten(1).topk(count, dim=1).indices


def propose(features: ImageFeatures, cells: Tensor) -> Candidates:
    """The candidates of these cells (B, K). Nothing here passes a gradient: phrases do not move boxes or classes."""
    with torch.no_grad():
        at = cells[:, None, :]
        centres = features.centres.flatten(2).gather(2, at.expand(-1, features.centres.shape[1], -1)).sigmoid()
        ground = features.classes.flatten(2).gather(2, at.expand(-1, features.classes.shape[1], -1)).sigmoid()
        things = centres.shape[1]
        # what a cell is centred on says more of its class than what it belongs to: a car on a road
        classes = torch.cat([torch.maximum(centres, 0.5 * ground[:, :things]), ground[:, things:]], dim=1)
        boxes = within(features.boxes.flatten(2).gather(2, at.expand(-1, 4, -1)).transpose(1, 2))
        score = centres.amax(1)
        return Candidates(boxes, classes.transpose(1, 2), score, torch.zeros_like(score, dtype=torch.bool), cells)


def within(boxes: Tensor) -> Tensor:
    """Boxes (..., 4) cut at the image's edges, none of them empty."""
    boxes = torch.cat([boxes[..., :2].clamp(0, 0.99), boxes[..., 2:].clamp(0.01, 1)], dim=-1)
    return torch.cat([boxes[..., :2], torch.maximum(boxes[..., 2:], boxes[..., :2] + 0.004)], dim=-1)


class Refine(nn.Module):
    """Boxes corrected by what lies in and around them, step by step with the same weights.

    A cell tells the whole box of an object from afar; seen from the box itself, its sides are near. Starts as it was given.
    """

    def __init__(self, config: ObjectFirstConfig) -> None:
        super().__init__()
        self.steps = config.refinements
        points, width = len(AROUND) ** 2, config.width
        self.looks = MLP(points * (config.pyramid + OBJECT_FEATURES), width, width, 4)
        nn.init.zeros_(self.looks.layers[-1].weight)  # type: ignore[arg-type]
        nn.init.zeros_(self.looks.layers[-1].bias)  # type: ignore[arg-type]

    def forward(self, boxes: Tensor, features: ImageFeatures) -> list[Tensor]:
        """Boxes (B, K, 4) after each step. A step's gradient ends at the boxes it starts from."""
        steps: list[Tensor] = []
        for _ in range(self.steps):
            boxes = boxes.detach()
            seen = torch.cat([sample(m, boxes, AROUND) for m in (features.shared, features.object_features)], dim=-1)
            size = boxes[..., 2:] - boxes[..., :2]
            boxes = within(boxes + self.looks(seen) * torch.cat([size, size], dim=-1) / 2)
            steps.append(boxes)
        return steps


class Describe(nn.Module):
    """A token for each candidate: class, place, rank among its like, and what it looks like."""

    def __init__(self, config: ObjectFirstConfig) -> None:
        super().__init__()
        width, points = config.width, len(POINTS) ** 2
        facts = len(config.classes) + 1 + 9 + 4 * WAVES + (ORDERS + 1) * COUNTS
        self.facts = MLP(facts, 2 * width, width)
        self.looks = MLP(points * (config.pyramid + 3) + config.pyramid, 2 * width, width)
        self.unseen = nn.Parameter(torch.zeros(width))
        self.counted = nn.Parameter(torch.tensor([6.0, 1.2]))  # slope and offset: from a score's logit to "it counts"
        self.norm = nn.LayerNorm(width)
        self.pairs = MLP(PAIR_FACTS, 32, config.depth * config.heads)

    def forward(self, candidates: Candidates, features: ImageFeatures | None) -> Tensor:
        """(B, K, width). Without features (a layout with no image) a learned token stands for the looks."""
        looks = self.unseen if features is None else self.looks(look(candidates.boxes, features))
        return self.norm(self.facts(facts(candidates, self.counted)) + looks)  # type: ignore[no-any-return]

    def pair_bias(self, candidates: Candidates) -> Tensor:
        """How much each candidate minds each other one: (B, depth * heads, K, K)."""
        return self.pairs(pair_facts(candidates.boxes)).permute(0, 3, 1, 2)  # type: ignore[no-any-return]


def look(boxes: Tensor, features: ImageFeatures) -> Tensor:
    """Samples on a grid in each box, and the context at its centre: (B, K, features)."""
    inside = sample(torch.cat([features.shared, features.colours], dim=1), boxes, POINTS)
    return torch.cat([inside, sample(features.context, boxes, (0.0,))], dim=-1)


def sample(maps: Tensor, boxes: Tensor, steps: Sequence[float]) -> Tensor:
    """Maps (B, C, H, W) at a grid of points in each box (B, K, 4), at `steps` of each axis: (B, K, steps * steps * C)."""
    centre, half = (boxes[..., :2] + boxes[..., 2:]) / 2, (boxes[..., 2:] - boxes[..., :2]) / 2
    axis = torch.tensor(steps, device=boxes.device, dtype=boxes.dtype)
    grid = torch.stack(torch.meshgrid(axis, axis, indexing="ij"), dim=-1).flatten(0, 1)  # symmetric: order is free
    points = 2 * (centre[:, :, None] + half[:, :, None] * grid) - 1
    return F.grid_sample(maps, points, align_corners=False).permute(0, 2, 3, 1).flatten(2)


def facts(candidates: Candidates, counted: Tensor) -> Tensor:
    """Class, place and rank of each candidate as numbers near 1: (B, K, facts). For `counted` see `_ranks`."""
    boxes = candidates.boxes
    size = (boxes[..., 2:] - boxes[..., :2]).clamp_min(1e-3)
    centre = (boxes[..., :2] + boxes[..., 2:]) / 2
    area = (size[..., :1] * size[..., 1:]).clamp_min(1e-6)
    place = [
        centre,
        size,
        size.clamp_min(1e-3).log() / 3,
        area.sqrt(),
        area.log() / 6,
        (size[..., :1] / size.sum(-1, True)),
    ]
    turns = torch.arange(1, WAVES + 1, device=boxes.device, dtype=boxes.dtype) * torch.pi
    waves = (centre[..., None] * turns).flatten(2)
    ranks = _ranks(candidates, counted)
    return torch.cat([candidates.classes, candidates.score[..., None], *place, waves.sin(), waves.cos(), ranks], dim=-1)


def _ranks(candidates: Candidates, counted: Tensor) -> Tensor:
    """How many of its like come before each candidate in each order, and how many there are, softly one-hot.

    "The leftmost" is the one with nobody of its class further left; said outright, it need not be learned by counting.
    """
    boxes, classes = candidates.boxes, candidates.classes
    centre, size = (boxes[..., :2] + boxes[..., 2:]) / 2, boxes[..., 2:] - boxes[..., :2]
    area = (size[..., 0] * size[..., 1]).clamp_min(1e-6).log()
    away = (centre - 0.5).norm(dim=-1)
    x, y = centre.unbind(-1)
    values = torch.stack([x, -x, y, -y, -area / 4, area / 4, away], dim=1)  # (B, ORDERS, K): lower comes first
    like = F.normalize(classes, dim=-1)
    alike = like @ like.transpose(1, 2)
    # most candidates are nothing: summed up by their scores, they would outnumber what is there
    sure = (counted[0] * candidates.score.clamp(1e-4, 1 - 1e-4).logit() + counted[1]).sigmoid()
    sure = sure.masked_fill(candidates.padding, 0)
    # the same thing proposed twice is one thing: it counts once, and not for itself
    same = ((overlap(boxes) - 0.3) / 0.3).clamp(0, 1)
    surer = candidates.score[:, None, :] > candidates.score[:, :, None]
    once = (1 - surer * same * alike * sure[:, None, :]).prod(-1)
    weight = (sure * once)[:, None, :] * alike * (1 - same)
    before = ((values[:, :, :, None] - values[:, :, None, :]) / 0.02).sigmoid()  # (B, ORDERS, i, j): j before i
    ranks = (before * weight[:, None]).sum(-1)
    ranks = torch.cat([ranks, weight.sum(-1)[:, None]], dim=1)  # (B, ORDERS + 1, K)
    bins = torch.arange(COUNTS, device=boxes.device, dtype=boxes.dtype)
    return (1 - (ranks.clamp_max(COUNTS - 1)[..., None] - bins).abs()).clamp_min(0).permute(0, 2, 1, 3).flatten(2)


def pair_facts(boxes: Tensor) -> Tensor:
    """Where each candidate lies as seen from each other one: (B, i, j, PAIR_FACTS)."""
    a, b = boxes[:, :, None], boxes[:, None, :]
    centre_a, centre_b = (a[..., :2] + a[..., 2:]) / 2, (b[..., :2] + b[..., 2:]) / 2
    size_a, size_b = a[..., 2:] - a[..., :2], b[..., 2:] - b[..., :2]
    move = centre_b - centre_a
    distance = move.norm(dim=-1, keepdim=True)
    gap = torch.maximum(a[..., :2] - b[..., 2:], b[..., :2] - a[..., 2:]).clamp_min(0)
    common = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp_min(0).prod(-1, True)
    area_a, area_b = size_a.prod(-1, True).clamp_min(1e-6), size_b.prod(-1, True).clamp_min(1e-6)
    inside = torch.cat([common / area_a, common / area_b], dim=-1)
    return torch.cat(
        [move * 2, move / distance.clamp_min(1e-3), distance, gap * 2, (area_b / area_a).log() / 4, inside,
         common / (area_a + area_b - common)], dim=-1,
    )  # fmt: skip


def overlap(boxes: Tensor, others: Tensor | None = None) -> Tensor:
    """Intersection over union of boxes (B, K, 4) with others (B, N, 4): (B, K, N)."""
    others = boxes if others is None else others
    a, b = boxes[:, :, None], others[:, None, :]
    common = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp_min(0).prod(-1)
    area_a, area_b = (a[..., 2:] - a[..., :2]).prod(-1), (b[..., 2:] - b[..., :2]).prod(-1)
    return common / (area_a + area_b - common).clamp_min(1e-9)
