"""Phrases about a view: made after the crop and the turn, so that they are true of what is seen."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from rs2sam2.data.builder.annotated import AnnotatedImage
from rs2sam2.data.builder.candidates import Candidate, candidates
from rs2sam2.data.language.evaluate import evaluate
from rs2sam2.data.language.layout import Layout
from rs2sam2.data.language.lexicon import canonical
from rs2sam2.data.language.program import Comparison, Program, Relation, RuleName
from rs2sam2.data.language.wording import phrase_for
from rs2sam2.data.masks import RLE
from rs2sam2.objects.training.sources import is_ground

MOST_OBJECTS = 24
"""Views with more objects are not spoken of one by one: it would take long, and nobody would."""
MEMORY = 4000
"""So many recent phrases are remembered, to ask them of views where they are not true."""
ANY = "object"
"""The noun for a thing whose class is not said."""
_DUMMY = RLE((1, 1), "0")


@dataclass(frozen=True)
class Asked:
    """A phrase about a view: the objects it means (none: nothing here), and what kind of answer it wants."""

    phrase: str
    targets: tuple[int, ...]
    form: int  # index into reader.FORMS
    kind: str
    hard: bool = False  # means nothing, though its class is there


class PhraseMaker:
    """Draws phrases, rarer kinds and classes likelier, and remembers them as what is not true of later views."""

    def __init__(self, random: Random, no_target: float = 0.28, hard: float = 0.65) -> None:
        self.random = random
        self.no_target = no_target
        self.hard = hard
        self.kinds: Counter[str] = Counter()
        self.memory: deque[tuple[Program, str, str]] = deque(maxlen=MEMORY)

    def about(
        self, layout: Layout, known: frozenset[str], counted: bool, placed: bool, visible: Iterable[bool], count: int
    ) -> list[Asked]:
        """Up to `count` phrases. `visible`: whether each object has a mask to be scored on."""
        random = self.random
        style: RuleName = "rrsisd" if random.random() < 0.35 else "english"
        nouns = layout
        general = random.random() < 0.06 and counted
        if general:
            nouns = replace(layout, objects=tuple(replace(o, category=ANY) for o in layout.objects))
        found = (
            _possible(nouns, style, counted, placed, tuple(visible))
            if len(layout.objects) <= MOST_OBJECTS
            else _spread(layout, counted, placed, tuple(visible))
        )
        weights = [(1 + self.kinds[c.kind]) ** -0.6 for c in found]
        asked: list[Asked] = []
        wanted = max(1, round(count * (1 - self.no_target)))
        while found and len(asked) < wanted:
            n = random.choices(range(len(found)), weights)[0]
            candidate = found.pop(n)
            weights.pop(n)
            phrase = phrase_for(candidate.program, random)
            if general:
                phrase = phrase.replace(ANY, random.choice(("object", "thing", "structure", "target")))
            category = candidate.program.select.category
            several = candidate.program.select.quantity != "one"
            form = 2 if is_ground(category) else int(several)
            asked.append(Asked(phrase, tuple(sorted(candidate.targets)), form, candidate.kind))
            self.kinds[candidate.kind] += 1
            # the same targets again are less interesting
            weights = [w * (0.4 if c.targets == candidate.targets else 1) for w, c in zip(weights, found, strict=True)]
            if not general:
                self.memory.append((candidate.program, phrase, candidate.kind))
        if not general:
            asked += self._absent(layout, known, max(1, count - wanted) if asked else count // 3)
        return asked

    def _absent(self, layout: Layout, known: frozenset[str], count: int) -> list[Asked]:
        """Remembered phrases that are surely not true here, the class being there or not."""
        random = self.random
        present = {canonical(o.category) for o in layout.objects}
        asked: list[Asked] = []
        if not self.memory:
            return asked
        for _ in range(count):
            hard = random.random() < self.hard and present
            for _ in range(60):
                program, phrase, kind = random.choice(self.memory)
                select = program.select
                named = {select.category} | {
                    c.anchor.category for c in select.walk() if isinstance(c, Relation | Comparison)
                }
                there = bool(layout.candidates(select.category))
                if there != bool(hard) or not named - present <= known or any(a.phrase == phrase for a in asked):
                    continue
                if there and select.category not in known:
                    continue
                if not evaluate(program, layout).possible:
                    asked.append(
                        Asked(
                            phrase, (), 2 if is_ground(select.category) else int(select.quantity != "one"), kind, there
                        )
                    )
                    break
        return asked


def _possible(
    layout: Layout, style: RuleName, counted: bool, placed: bool, visible: tuple[bool, ...]
) -> list[Candidate]:
    image = AnnotatedImage(
        Path(), layout, tuple(_DUMMY if v else None for v in visible), counted=counted, placed=placed
    )
    found = candidates(image, style)
    return found or (candidates(image, "english") if style == "rrsisd" else [])


def _spread(layout: Layout, counted: bool, placed: bool, visible: tuple[bool, ...]) -> list[Candidate]:
    """What can be said of a crowd: all of a class, in all or in a part of the view, and extremes."""
    from rs2sam2.data.language.program import Extreme, Position, Selection, kind
    from rs2sam2.data.language.symmetry import VECTORS

    found = []
    for category in sorted({canonical(o.category) for o in layout.objects}):
        options = [Selection(category, "all")]
        if placed:
            options += [Selection(category, "all", (Position(region),)) for region in VECTORS]
        if counted and not is_ground(category):
            options += [
                Selection(category, "one", (Extreme(by),))
                for by in ("left", "right", "top", "bottom", "large", "small")
            ]
        for selection in options:
            program = Program(selection)
            extension = evaluate(program, layout)
            targets = extension.certain
            number_fits = (selection.quantity == "one") == (len(targets) == 1) or is_ground(category)
            if targets and extension.settled and number_fits and all(visible[i] for i in targets):
                found.append(Candidate(program, targets, kind(selection)))
    return found
