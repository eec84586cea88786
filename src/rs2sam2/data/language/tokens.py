"""The parser's tables: runs of words and what each stands for."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TypeVar

from rs2sam2.data.language import lexicon, places

T = TypeVar("T")
Words = tuple[str, ...]


_IS = re.compile(r"\b(that|it|there|what|where|which|who|here)'s\b")
_OF_A_THING = re.compile(
    r"\b(on|to|at) (the|a|an) ((?:(?!(?:on|to|at|in|of|the|a|an)\b)[^\W_]+ ){0,3}[^\W_]+)'s "
    r"((?:(?:upper|lower|top|bottom)[ -])?(?:left|right)(?:[ -]hand)?|(?:top|bottom)(?= side))(?: side)?\b"
)


def words(phrase: str) -> list[str]:
    """The words of a phrase in lower case, without punctuation; "upper-left" is two words.

    "On the harbor's left side" is said as "on the left of the harbor", where the left is not the picture's.
    """
    phrase = phrase.lower()
    if "'s" in phrase:
        phrase = _OF_A_THING.sub(r"\1 the \4 of \2 \3", _IS.sub(r"\1 is", phrase)).replace("'s", "")
    return re.findall(r"[^\W_]+", phrase)


def _table(entries: dict[str, T]) -> dict[Words, T]:
    return {tuple(part.split()): value for key, value in entries.items() for part in key.split("|")}


REGIONS: dict[Words, str] = _table(
    {
        "upper left|top left|upper left hand": "upper left",
        "upper right|top right|upper right hand": "upper right",
        "lower left|bottom left|lower left hand": "lower left",
        "lower right|bottom right|lower right hand": "lower right",
        "left|left hand": "left",
        "right|right hand": "right",
        "top|upper": "top",
        "bottom|lower": "bottom",
        "|".join(places.MIDDLES): "middle",
    }
)
PARTS = _table({"|".join(places.PARTS): True})
OF_THE_IMAGE = _table(
    {
        f"{of} {the} {sort} {picture}": True
        for of in ("of", "in")
        for the in places.THIS
        for sort in ("", *places.OF_PICTURES)
        for picture in places.PICTURES
    }
)
SUPERLATIVES: dict[Words, str] = _table(
    {
        "leftmost|left most": "left",
        "rightmost|right most": "right",
        "topmost|uppermost|top most|upper most": "top",
        "bottommost|lowermost|bottom most|lower most": "bottom",
        "most central|centermost": "middle",
        "largest|biggest": "large",
        "smallest": "small",
    }
)
RANKS: dict[Words, int] = _table({word: i for i, word in enumerate(lexicon.RANKS, 1)})
RANKS |= _table({f"{i}{'st' if i == 1 else 'nd' if i == 2 else 'rd' if i == 3 else 'th'}": i for i in range(1, 11)})
COUNTS: dict[Words, int] = _table({word: i for i, word in enumerate(lexicon.COUNTS, 1)})
COUNTS |= _table({str(i): i for i in range(1, 100)})
COMPARISONS: dict[Words, str] = _table(
    {
        "much smaller than|far smaller than": "much smaller",
        "a little smaller than|slightly smaller than|a bit smaller than": "slightly smaller",
        "smaller than": "smaller",
        "similar in size to|the same size as|about the same size as|as large as|of the same size as": "similar",
        "bigger than|larger than": "bigger",
        "a little bigger than|slightly bigger than|a bit bigger than|a little larger than|slightly larger than": "slightly bigger",
        "much bigger than|much larger than|far bigger than": "much bigger",
    }
)  # fmt: skip
LINKS = _table(
    {"is|are|that is|that are|which is|which are|located|situated|positioned|lying|standing|parked|driving|going|running|moored": True}
)  # fmt: skip
MOVING = ("driving", "going", "running")
TOWARDS = ("to", "toward", "towards", *places.SIDES)
ACROSS = ("on", "in", "at", "over", "through", "crossing")
"""After "going right" these are where, and "right" where to; "going right next to" has no side."""
ABOVE_BELOW: dict[Words, str] = _table({"above": "top", "below|beneath|underneath": "bottom"})
CONTACTS: dict[Words, str] = _table(
    {
        "in|inside|inside of|within|at": "inside",
        "has|have|containing|that has|which has|with": "holding",
        "on|through|on top of|crossing|over": "on",
        "next to|beside|near|near to|close to|by|adjacent to|alongside|anchored with": "next to",
    }
)


@lru_cache(maxsize=64)
def noun_table(categories: Words) -> dict[Words, tuple[str, bool, bool]]:
    """(canonical class, is plural, is mass) of every noun of the lexicon and of further classes, by its words."""
    table: dict[Words, tuple[str, bool, bool]] = {}
    for name in (*lexicon.NOUNS, *(lexicon.canonical(c) for c in categories)):
        noun = lexicon.noun_of(name)
        for singular, plural in zip(noun.names, noun.plurals, strict=True):
            table[tuple(plural.split())] = (name, not noun.mass, noun.mass)
            table[tuple(singular.split())] = (name, False, noun.mass)
        table |= {tuple(heard.split()): (name, False, noun.mass) for heard in noun.heard}
    return table
