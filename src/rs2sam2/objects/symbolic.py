"""A second opinion on what a phrase means: its program, run on the candidates as if they were annotations.

The reader has learned what "the third ship from the left" asks for. The parser knows it, but takes a layout at its word,
and which of the candidates are there is uncertain. So the program is run on several layouts, of the candidates above
several scores, and what comes out is evidence beside the reader's: which candidate is meant, and whether anything is.
After neural-symbolic question answering: K. Yi et al., "Neural-Symbolic VQA", NeurIPS 2018.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from rs2sam2.data.language.evaluate import evaluate
from rs2sam2.data.language.layout import Layout, SceneObject
from rs2sam2.data.language.lexicon import canonical, covers, noun_of
from rs2sam2.data.language.parser import PhraseError, parse
from rs2sam2.data.language.program import Color, Selection, Shape, is_ranking
from rs2sam2.data.language.resolve import resolve
from rs2sam2.objects.candidates import Candidates, overlap
from rs2sam2.objects.reader import FORMS, Reading

LEAST_SCORES = (0.2, 0.3, 0.4, 0.5)
"""Candidates above each of these make a layout."""
DUPLICATE = 0.45
"""A candidate that overlaps a surer one so much is not another object."""
SAME = 0.6
"""The vote for a candidate is one for all that overlap it so much."""
WEIGHT = 2.0
"""What the opinion adds at most: to a candidate's logit of being chosen, and to the logit of presence."""
NEUTRAL = 0.3
"""The share of layouts at which presence is neither more nor less likely."""
RANKED = 5.0
"""What it adds or takes at most where several are counted off, which nobody taught the reader: to a candidate's logit of being one."""


@dataclass(frozen=True)
class Opinion:
    """What a program says of K candidates."""

    votes: Tensor  # (K,), the share of layouts in which the phrase means this candidate and no other
    possible: float  # the share of layouts of which the phrase may be true, on a generous reading
    ranked: Tensor | None = None  # (K,), the share of those that tell that has it among "the two leftmost ships"


@dataclass(frozen=True)
class Layouts:
    """The layouts of one image's candidates, and which candidate each of their objects is."""

    layouts: tuple[Layout, ...]
    candidate_of: tuple[tuple[int, ...], ...]
    same: Tensor  # (K, K) bool, on the CPU
    things: tuple[str, ...]

    @classmethod
    def of(
        cls, candidates: Candidates, things: Sequence[str], width: int, height: int, untaught: Sequence[str] = ()
    ) -> Layouts:
        """Of the candidates (of one image, B = 1) in an image of width x height pixels.

        `things`: the first classes; no candidate is taken for one of `untaught`, whose scores mean nothing.
        """
        boxes, padding = candidates.boxes[0].cpu(), candidates.padding[0].cpu()
        overlaps = overlap(boxes[None])[0]
        score = candidates.score[0].cpu().masked_fill(padding, 0).tolist()
        unknown = torch.tensor([thing in untaught for thing in things], device=candidates.classes.device)
        kinds = candidates.classes[0, :, : len(things)].masked_fill(unknown, -torch.inf).argmax(1).tolist()
        pixels = (boxes * torch.tensor([width, height, width, height])).tolist()
        duplicates = (overlaps >= DUPLICATE).tolist()
        surest_first: list[int] = []
        for i in sorted(range(len(score)), key=lambda i: -score[i]):
            if score[i] >= min(LEAST_SCORES) and not any(duplicates[i][j] for j in surest_first):
                surest_first.append(i)
        layouts, candidate_of = [], []
        for least in LEAST_SCORES:
            kept = tuple(i for i in surest_first if score[i] >= least)
            objects = []
            for i in kept:
                x0, y0, x1, y1 = pixels[i]
                objects.append(SceneObject(things[kinds[i]], (x0, y0, x1, y1), (x1 - x0) * (y1 - y0)))
            layouts.append(Layout(width, height, tuple(objects)))
            candidate_of.append(kept)
        return cls(tuple(layouts), tuple(candidate_of), overlaps > SAME, tuple(things))

    def opinion(self, phrase: str) -> Opinion | None:
        """None where the phrase cannot be parsed, or speaks of what no candidate can be (ground, unknown classes)."""
        try:
            program = parse(phrase, categories=self.things)
        except PhraseError:
            return None
        known = [canonical(thing) for thing in self.things]
        for name in program.select.classes():
            if not covers(name, known) or (noun_of(name).mass and name not in known):  # a pond is not all the water
                return None
        votes, ranked, possible = torch.zeros(len(self.same)), torch.zeros(len(self.same)), 0
        number, counts = _counted_off(program.select), 0
        for layout, candidates in zip(self.layouts, self.candidate_of, strict=True):
            possible += bool(evaluate(program, layout).possible)
            meant = [candidates[i] for i in resolve(program, layout)]
            if len(meant) == 1:
                votes += self.same[meant[0]].float()
            if 0 < len(meant) <= number and all(map(layout.candidates, program.select.classes())):
                ranked[meant] += 1
                counts += 1
        all_ = len(self.layouts)
        return Opinion(votes / all_, possible / all_, ranked / counts if counts else None)


def _counted_off(selection: Selection) -> int:
    """How many are meant where a phrase counts off several ("the two leftmost ships"), by what layouts know; else 0."""
    looks = any(isinstance(c, Color | Shape) for c in selection.where)  # which layouts of candidates do not have
    ranking = any(is_ranking(c) for c in selection.where)
    return selection.quantity if isinstance(selection.quantity, int) and ranking and not looks else 0


def second_opinion(
    reading: Reading, layouts: Sequence[Layouts], phrases: Sequence[str], image_index: Tensor
) -> Reading:
    """The reading of P phrases with the opinions added; phrase p is about the image of layouts[image_index[p]]."""
    choice, membership, presence = reading.choice.clone(), reading.membership.clone(), reading.presence.clone()
    objects = 1 - reading.form.softmax(1)[:, FORMS.index("ground")]
    for p, phrase in enumerate(phrases):
        opinion = layouts[int(image_index[p])].opinion(phrase)
        if opinion is not None:
            choice[p] += WEIGHT * opinion.votes.to(choice.device)
            if opinion.ranked is not None:
                membership[p] += RANKED * (2 * opinion.ranked.to(choice.device) - 1)
            presence[p] += WEIGHT * (opinion.possible - NEUTRAL) * objects[p]
    return replace(reading, choice=choice, membership=membership, presence=presence)
