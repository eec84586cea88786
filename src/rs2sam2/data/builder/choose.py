"""Pick, among all that can be said, a balanced set of pairs, and turn some of their phrases against other images.

No-target phrases are phrases of the set itself, word for word, asked of another image of the split where executing
them surely finds nothing. Whatever a phrase's words are, they then say nothing about whether it has a target.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from rs2sam2.data.builder.annotated import AnnotatedImage, nothing
from rs2sam2.data.builder.candidates import Candidate, candidates, crowded
from rs2sam2.data.language.evaluate import evaluate
from rs2sam2.data.language.lexicon import canonical
from rs2sam2.data.language.program import Program, RuleName
from rs2sam2.data.language.wording import phrase_for
from rs2sam2.errors import UsageError

TRIES = 40
"""On so many images that do have the class a no-target phrase is tried; "the leftmost ship" is false on none of them."""


@dataclass(frozen=True)
class Recipe:
    """How pairs are chosen.

    `per_image`: at most so many pairs with a target an image; `wordings`: at most so many of one program in an image;
    `no_target`: their share of all pairs; `hard`: how often a no-target phrase is first tried on images that do have
    the class; `incomplete`: classes that are annotated in some images only, so that no phrase about them is asked of an
    image where none is. UsageError for values out of range.
    """

    style: RuleName = "english"
    seed: int = 0
    per_image: int = 24
    wordings: int = 3
    no_target: float = 0.2
    hard: float = 0.9
    incomplete: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.per_image < 1 or self.wordings < 1:
            raise UsageError(f"per-image {self.per_image} and wordings {self.wordings} must be at least 1")
        if not 0 <= self.no_target <= 0.6:
            raise UsageError(f"no-target {self.no_target} is a share of all pairs; give 0 to 0.6")


@dataclass(frozen=True)
class Pair:
    """A phrase asked of an image (`image` is its place in the list) and the objects it means; none = no target."""

    image: int
    phrase: str
    program: Program
    kind: str
    targets: frozenset[int]


def choose(
    images: Sequence[AnnotatedImage], recipe: Recipe, progress: Callable[[int, int], None] = nothing
) -> list[Pair]:
    """The pairs of a split, by image. The same images and recipe give the same pairs. `progress` gets (images done, in all)."""
    random = Random(f"{recipe.seed}")
    possible = []
    for image in images:
        possible.append(candidates(image, recipe.style))
        progress(len(possible), len(images))
    pairs = _with_target(possible, recipe, random)
    pairs += _without_target(images, pairs, recipe, random)
    return sorted(pairs, key=lambda pair: pair.image)


def _with_target(possible: list[list[Candidate]], recipe: Recipe, random: Random) -> list[Pair]:
    """Round after round one pair from each image, rarer kinds, classes and objects being likelier each time."""
    kinds: Counter[str] = Counter()
    classes: Counter[str] = Counter()
    used: list[Counter[int]] = [Counter() for _ in possible]  # per image: how often each candidate was worded
    meant: list[Counter[frozenset[int]]] = [Counter() for _ in possible]
    phrases: list[set[str]] = [set() for _ in possible]
    open_images = [i for i, found in enumerate(possible) if found]
    pairs: list[Pair] = []
    for _ in range(recipe.per_image):
        random.shuffle(open_images)
        for i in list(open_images):
            pair = None
            while pair is None:
                left = [n for n in range(len(possible[i])) if used[i][n] < recipe.wordings]
                if not left:
                    open_images.remove(i)
                    break
                weights = []
                for n in left:
                    c = possible[i][n]
                    rare = (1 + kinds[c.kind]) ** -1.0 * (1 + classes[c.program.select.category]) ** -0.5
                    weights.append(rare * 0.2 ** used[i][n] * 0.6 ** meant[i][c.targets])
                n = random.choices(left, weights)[0]
                chosen = possible[i][n]
                phrase = _new_phrase(chosen.program, phrases[i], random)
                used[i][n] += 1
                if phrase is None:
                    used[i][n] = recipe.wordings  # it has no further wording
                    continue
                phrases[i].add(phrase)
                meant[i][chosen.targets] += 1
                kinds[chosen.kind] += 1
                classes[chosen.program.select.category] += 1
                pair = Pair(i, phrase, chosen.program, chosen.kind, chosen.targets)
                pairs.append(pair)
    return pairs


def _new_phrase(program: Program, known: set[str], random: Random) -> str | None:
    for _ in range(8):
        phrase = phrase_for(program, random)
        if phrase not in known:
            return phrase
    return None


def _without_target(images: Sequence[AnnotatedImage], pairs: list[Pair], recipe: Recipe, random: Random) -> list[Pair]:
    wanted = round(len(pairs) * recipe.no_target / (1 - recipe.no_target))
    present = [{canonical(o.category) for o in image.layout.objects} for image in images]
    incomplete = {canonical(name) for name in recipe.incomplete}
    asked: dict[int, set[str]] = defaultdict(set)
    for pair in pairs:
        asked[pair.image].add(pair.phrase)
    load: Counter[int] = Counter()
    found: list[Pair] = []
    for source in random.sample(pairs, len(pairs)):
        if len(found) >= wanted:
            break
        select = source.program.select
        classes = select.classes()
        hosts = random.sample(range(len(images)), len(images))
        unsure = classes & incomplete
        hosts = [i for i in hosts if all(images[i].layout.candidates(name) for name in unsure)]
        hosts = [i for i in hosts if not crowded(select, images[i])]
        # the least used first; then those that show every class named, then those that show the class asked for
        hosts.sort(key=lambda i: load[i])
        hard = [i for i in hosts if select.category in present[i]]
        hard = sorted(hard, key=lambda i: not classes <= present[i])[:TRIES]
        easy = [i for i in hosts if select.category not in present[i] and images[i].exhaustive]
        order = [*hard, *easy[:1]] if random.random() < recipe.hard else [*easy[:1], *hard]
        for i in order:
            if i == source.image or source.phrase in asked[i]:
                continue
            if not evaluate(source.program, images[i].layout).possible:
                asked[i].add(source.phrase)
                load[i] += 1
                found.append(Pair(i, source.phrase, source.program, source.kind, frozenset()))
                break
    return found
