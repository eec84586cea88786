"""Phrases about one image that differ in one word and mean different things: is that word understood?

A method that finds the ships but not "left" gets one of "the ship on the left" / "the ship on the right" by luck; only one
that reads the word gets both.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rs2sam2.data.language import lexicon, tokens
from rs2sam2.data.sample import Sample
from rs2sam2.evaluate.breakdown import with_intervals
from rs2sam2.evaluate.records import Record

SIDE = 256
"""Truths are compared on a square of this many pixels, which is enough to tell whether they differ."""
DIFFERENT = 0.5
"""Two phrases mean different things where the IoU of their truths is below this: one mask cannot then be right for both."""
Pair = tuple[int, int, str, str]
"""Places of two samples, and the word each has where the other has another."""

_GROUPS = {
    "place": {w for run in (*tokens.REGIONS, *tokens.ABOVE_BELOW) for w in run}
    | {w for run, by in tokens.SUPERLATIVES.items() if by not in ("large", "small") for w in run},
    "size": {w for run, by in tokens.SUPERLATIVES.items() if by in ("large", "small") for w in run}
    | set(lexicon.SIZE_WORDS) | {"smaller", "larger", "bigger"},
    "colour": set(lexicon.COLOR_WORDS),
    "shape": set(lexicon.SHAPE_WORDS),
    "number or rank": {w for run in (*tokens.COUNTS, *tokens.RANKS) for w in run} | {"both", "all"},
}  # fmt: skip


def find_pairs(samples: Sequence[Sample]) -> list[Pair]:
    """Every pair of samples with a target that is about one image, differs in one word, and means different things.

    Of several samples with one phrase about one image, the first is taken.
    """
    by_image: defaultdict[Path, dict[tuple[str, ...], int]] = defaultdict(dict)
    for place, sample in enumerate(samples):
        if sample.targets:
            by_image[sample.image].setdefault(tuple(tokens.words(sample.phrase)), place)
    pairs: list[Pair] = []
    for phrases in by_image.values():
        alike: defaultdict[tuple[int, tuple[str, ...]], list[int]] = defaultdict(list)
        for words, place in phrases.items():
            for at in range(len(words)):
                alike[at, (*words[:at], "", *words[at + 1 :])].append(place)
        truths: dict[int, NDArray[np.bool_]] = {}
        for (at, _), places in alike.items():
            for n, a in enumerate(places):
                for b in places[n + 1 :]:
                    if set(samples[a].targets) != set(samples[b].targets) and _differ(samples, a, b, truths):
                        first, second = (tokens.words(samples[i].phrase)[at] for i in (a, b))
                        pairs.append((a, b, first, second))
    return sorted(pairs)


def _differ(samples: Sequence[Sample], a: int, b: int, truths: dict[int, NDArray[np.bool_]]) -> bool:
    for place in (a, b):
        if place not in truths:
            truths[place] = samples[place].load_mask((SIDE, SIDE))
    both, either = (truths[a] & truths[b]).sum(), (truths[a] | truths[b]).sum()
    return bool(both < DIFFERENT * either)


def word_group(first: str, second: str) -> str:
    """What two words are about: place, size, colour, shape, number or rank, class; "other" where they are of two sorts."""
    for name, group in _GROUPS.items():
        if first in group and second in group:
            return name
    known = any(first in group or second in group for group in _GROUPS.values())
    nouns = {word for run in tokens.noun_table(()) for word in run}
    return "class" if not known and first in nouns and second in nouns else "other"


def pairs_right(
    pairs: Sequence[Pair], records: Sequence[Record], protocol: str, resamples: int, *, words: int = 12
) -> dict[str, Any] | None:
    """The share of pairs with both masks right (IoU >= 0.5): of all, by what the word is about, and by the commonest words.

    None where there is no such pair.
    """
    if not pairs:
        return None
    right = np.array([2 * r.answer.overlaps[protocol][0] >= max(r.answer.overlaps[protocol][1], 1) for r in records])
    sets: dict[str, list[int]] = {"all": list(range(len(pairs)))}
    by_group: defaultdict[str, list[int]] = defaultdict(list)
    by_words: defaultdict[str, list[int]] = defaultdict(list)
    for n, (_, _, first, second) in enumerate(pairs):
        by_group[word_group(first, second)].append(n)
        by_words[" / ".join(sorted((first, second)))].append(n)

    def rows(groups: dict[str, list[int]], limit: int | None = None) -> list[dict[str, Any]]:
        out = []
        for name, members in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))[:limit]:
            scored = np.array([[right[pairs[n][0]] and right[pairs[n][1]], right[pairs[n][0]] or right[pairs[n][1]]]
                               for n in members], np.float64)  # fmt: skip
            images = [records[pairs[n][0]].image for n in members]
            measured = with_intervals(["both", "either"], scored, np.ones_like(scored), images, resamples)
            out.append({"name": name, "pairs": len(members), **measured})
        return out

    return {"all": rows(sets)[0], "about": rows(dict(by_group)), "words": rows(dict(by_words), words)}
