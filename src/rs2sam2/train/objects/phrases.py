"""Phrases about a view: made after the crop and the turn, so that they are true of what is seen."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from random import Random
from typing import Protocol

from rs2sam2.data.builder.annotated import AnnotatedImage
from rs2sam2.data.builder.candidates import Candidate, candidates
from rs2sam2.data.language.evaluate import evaluate
from rs2sam2.data.language.freely import freely, with_chatter
from rs2sam2.data.language.layout import Layout
from rs2sam2.data.language.lexicon import canonical
from rs2sam2.data.language.program import Extreme, Position, Program, RuleName, Selection, kind
from rs2sam2.data.language.symmetry import VECTORS
from rs2sam2.data.language.wording import phrase_for
from rs2sam2.data.masks import RLE
from rs2sam2.train.objects.sources import is_ground

MOST_OBJECTS = 24
"""Views with more objects are not spoken of one by one: it would take long, and nobody would."""
TRIES = 60
"""Phrases of the bank that are looked at for one that is not true of a view."""
FAVOUR = {"ordinal": 4.0, "superlative": 2.0}
"""Kinds of phrases that take long to learn are drawn likelier."""
CHATTER = 0.15
"""Share of what is said freely."""
ANY = "object"
"""The noun for a thing whose class is not said."""
_DUMMY = RLE((1, 1), "0")


class Scene(Protocol):
    """What phrases are made of: a view, or a layout without an image."""

    @property
    def layout(self) -> Layout:
        """The objects."""
        ...

    @property
    def known(self) -> frozenset[str]:
        """Classes annotated throughout; of others nothing is denied."""
        ...

    @property
    def counted(self) -> bool:
        """Whether the objects are things one by one, see `AnnotatedImage`."""
        ...

    @property
    def placed(self) -> bool:
        """Whether place, colour and size may be spoken of, see `AnnotatedImage`."""
        ...

    @property
    def somewhere(self) -> frozenset[str]:
        """Classes that are there, nobody knows where."""
        ...


@dataclass(frozen=True)
class Asked:
    """A phrase about a scene: the objects it means (none: nothing here), and what kind of answer it wants."""

    phrase: str
    targets: tuple[int, ...]
    form: int  # index into reader.FORMS
    kind: str
    program: Program | None = None  # its meaning; None where the noun says no class
    hard: bool = False  # means nothing, though its class is there
    somewhere: bool = False  # means something, nobody knows where

    @property
    def there(self) -> bool:
        """Whether it means anything."""
        return bool(self.targets) or self.somewhere


@dataclass(frozen=True)
class PhraseBank:
    """What is said of the imagery: phrases to ask of views where they are not true, and how common each kind is."""

    phrases: tuple[Asked, ...] = ()
    kinds: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def by_class(self) -> dict[str, list[Asked]]:
        """The phrases by the class of what they mean."""
        found: defaultdict[str, list[Asked]] = defaultdict(list)
        for asked in self.phrases:
            assert asked.program is not None
            found[asked.program.select.category].append(asked)
        return dict(found)


def fill_bank(scenes: Iterable[Scene], random: Random, size: int, each: int) -> PhraseBank:
    """About `size` phrases, up to `each` about a scene, of at most `size` scenes.

    Rarer kinds come likelier as they are counted, and so the counts settle where the phrases of training do.
    """
    kinds: Counter[str] = Counter()
    said: list[Asked] = []
    maker = PhraseMaker(random, PhraseBank((), kinds))
    for scene in islice(scenes, size):
        for asked in maker.about(scene, each):
            kinds[asked.kind] += 1
            if asked.program is not None:
                said.append(asked)
        if len(said) >= size:
            break
    return PhraseBank(tuple(said[:size]), dict(kinds))


class PhraseMaker:
    """Draws phrases, rarer kinds likelier, and from a bank what is not true of a view.

    It remembers nothing: what it says depends on its random numbers, the bank and the scene.
    """

    def __init__(self, random: Random, bank: PhraseBank, no_target: float = 0.28, hard: float = 0.65) -> None:
        self.random = random
        self.bank = bank
        self.no_target = no_target
        self.hard = hard

    def about(self, scene: Scene, count: int) -> list[Asked]:
        """Up to `count` phrases."""
        random, layout = self.random, scene.layout
        style: RuleName = "rrsisd" if random.random() < 0.35 else "english"
        nouns = layout
        general = random.random() < 0.06 and scene.counted and not any(is_ground(o.category) for o in layout.objects)
        if general:
            nouns = replace(layout, objects=tuple(replace(o, category=ANY) for o in layout.objects))
        found = (
            _possible(nouns, style, scene)
            if len(layout.objects) <= MOST_OBJECTS
            else _spread(layout, scene.counted, scene.placed)
        )
        weights = [FAVOUR.get(c.kind, 1) * (1 + self.bank.kinds.get(c.kind, 0)) ** -0.6 for c in found]
        asked: list[Asked] = []
        wanted = max(1, round(count * (1 - self.no_target)))
        while found and len(asked) < wanted:
            n = random.choices(range(len(found)), weights)[0]
            candidate = found.pop(n)
            weights.pop(n)
            asked.append(self._asked(candidate, general))
            # the same targets again are less interesting
            weights = [w * (0.4 if c.targets == candidate.targets else 1) for w, c in zip(weights, found, strict=True)]
        for category in sorted(scene.somewhere):
            program = Program(Selection(category, "one"))
            asked.append(Asked(phrase_for(program, random), (), 0, "category", program, somewhere=True))
        if not general:
            asked += self._absent(scene, max(1, count - wanted) if asked else count // 3)
        return asked

    def _asked(self, candidate: Candidate, general: bool) -> Asked:
        select = candidate.program.select
        phrase = phrase_for(candidate.program, self.random)
        if general:
            phrase = phrase.replace(ANY, self.random.choice(("object", "thing", "structure", "target")))
        form = 2 if is_ground(select.category) else int(select.quantity != "one")
        program = None if general else candidate.program
        return Asked(phrase, tuple(sorted(candidate.targets)), form, candidate.kind, program)

    def _absent(self, scene: Scene, count: int) -> list[Asked]:
        """Phrases of the bank that are surely not true here, the class being there or not; classes that are not all alike."""
        random, layout, known = self.random, scene.layout, scene.known
        present = {canonical(o.category) for o in layout.objects}
        asked: list[Asked] = []
        if not self.bank.phrases:
            return asked
        missing = [c for c in self.bank.by_class if c in known and not layout.candidates(c)]
        for _ in range(count):
            hard = random.random() < self.hard and bool(present)
            if not hard and not missing:
                continue
            phrases = self.bank.phrases if hard else self.bank.by_class[random.choice(missing)]
            for _ in range(TRIES):
                other = random.choice(phrases)
                assert other.program is not None
                select = other.program.select
                there = bool(layout.candidates(select.category))
                if there != hard or not select.classes() <= known or any(a.phrase == other.phrase for a in asked):
                    continue
                if not evaluate(other.program, layout).possible:
                    asked.append(replace(other, targets=(), hard=there, somewhere=False))
                    break
        return asked


def said_freely(asked: Sequence[Asked], share: float, random: Random) -> list[Asked]:
    """The same phrases, this share of them as people type them, and some of these among words that say nothing."""

    def said(phrase: str) -> str:
        phrase = freely(phrase, random)
        return with_chatter(phrase, random) if random.random() < CHATTER else phrase

    return [replace(a, phrase=said(a.phrase)) if random.random() < share else a for a in asked]


def _possible(layout: Layout, style: RuleName, scene: Scene) -> list[Candidate]:
    targets = (_DUMMY,) * len(layout.objects)
    image = AnnotatedImage(Path(), layout, targets, counted=scene.counted, placed=scene.placed)
    found = candidates(image, style)
    return found or (candidates(image, "english") if style == "rrsisd" else [])


def _spread(layout: Layout, counted: bool, placed: bool) -> list[Candidate]:
    """What can be said of a crowd: all of a class, in all or in a part of the view, and extremes."""
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
            if targets and extension.settled and number_fits:
                found.append(Candidate(program, targets, kind(selection)))
    return found
