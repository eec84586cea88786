"""Runs of words that have a better name in `plain`: what people call classes, and where they say something is."""

from __future__ import annotations

from functools import lru_cache

from rs2sam2.data.language.lexicon import KINDS_OF, NOUNS, TAXONOMY, noun_of, plural
from rs2sam2.data.language.synonyms import SYNONYMS, UNDERSTOOD
from rs2sam2.data.language.tokens import Words, noun_table, words
from rs2sam2.data.language.where import TYING, where

_BETTER = {
    "centre": "center", "grey": "gray", "little": "small", "giant": "huge", "enormous": "huge", "massive": "huge",
    "which is": "that is", "which are": "that are", "of this image": "of the image",
    "watercraft": "ship", "sea": "water", "ocean": "water", "woods": "forest", "woodland": "forest", "lawn": "low vegetation",
    "grass": "low vegetation", "railroad": "railway tracks", "railroads": "railway tracks",
    "railway": "railway tracks", "railways": "railway tracks", "pedestrians": "people",
}  # fmt: skip


@lru_cache(maxsize=64)
def better_names(classes: tuple[str, ...]) -> dict[Words, Words]:
    """Runs of words, and what is said for them; what must be left alone stands for itself."""
    table, called = _BETTER | TYING | where(), dict[str, str]()
    for category, names in (*SYNONYMS.items(), *UNDERSTOOD.items()):
        one, many = noun_of(category).names[0], noun_of(category).plurals[0]
        called |= {plural(name): many for name in names} | dict.fromkeys(names, one)
    for noun in (*NOUNS.values(), *map(noun_of, classes)):
        called |= {name: name for name in (*noun.names, *noun.plurals)}  # "wind turbine" has its second word
        called |= dict.fromkeys(noun.heard, noun.names[0])
    table |= {name.replace(" ", ""): better for name, better in called.items()} | called  # "storagetank"
    instead: dict[str, str] = {}  # where a model knows the general class and not the kind
    for general in TAXONOMY.keys() & classes:
        if general in KINDS_OF and TAXONOMY[general] & {*classes}:
            continue  # "vehicle" beside "car": that a truck is one is known where the phrase is read
        for kind in TAXONOMY[general] - {*classes}:
            instead |= dict.fromkeys(noun_of(kind).plurals, noun_of(general).plurals[0])
            instead |= dict.fromkeys(noun_of(kind).names, noun_of(general).names[0])
    table = {run: instead.get(better, better) for run, better in table.items()}
    return {tuple(words(run)): tuple(words(better)) for run, better in table.items()}


@lru_cache(maxsize=64)
def named(classes: tuple[str, ...]) -> dict[Words, Words]:
    """Runs of words that name a class, by whatever name."""
    known = noun_table(classes)
    return {run: run for run in known} | {run: run for run, better in better_names(classes).items() if better in known}
