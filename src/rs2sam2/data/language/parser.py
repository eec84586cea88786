"""Phrase -> program: benchmark wording and freer English, word by word, no model.

    phrase   := [a|the|all|both|two ...] modifier* noun (link* tail)*
    modifier := colour | size | shape | region | superlative | rank
    tail     := region ["of the image"] | relation phrase | comparison phrase | "from the left" ...

A phrase that has a word left over is refused with that word, never half understood.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from rs2sam2.data.language import lexicon, tokens
from rs2sam2.data.language.program import (
    Color,
    Comparison,
    Constraint,
    Extreme,
    Position,
    Program,
    Quantity,
    Relation,
    RuleName,
    Selection,
    Shape,
    Size,
    ordered,
)
from rs2sam2.errors import UsageError


class PhraseError(UsageError):
    """A phrase the parser does not understand."""


def parse(phrase: str, rules: RuleName = "english", categories: Sequence[str] = ()) -> Program:
    """The program of a phrase, its words to be read under `rules`.

    `categories`: class names beyond the lexicon's that may occur as nouns. PhraseError names the word that did not fit.
    """
    return _parse(phrase, rules, tuple(categories))


@lru_cache(maxsize=4096)
def _parse(phrase: str, rules: RuleName, categories: tuple[str, ...]) -> Program:
    cursor = _Cursor(phrase, categories)
    selection = _noun_phrase(cursor)
    if not cursor.done():
        raise cursor.refuse()
    return Program(selection, rules)


class _Cursor:
    """The words of a phrase and a place among them."""

    def __init__(self, phrase: str, categories: tuple[str, ...]) -> None:
        self.phrase = phrase
        self.words = tokens.words(phrase)
        self.at = 0
        self.nouns = tokens.noun_table(categories)

    def done(self) -> bool:
        return self.at >= len(self.words)

    @property
    def word(self) -> str:
        return self.words[self.at] if self.at < len(self.words) else ""

    def take(self, *alternatives: str) -> str | None:
        """Step over the first alternative (one or more words) that comes next and return it, else stay."""
        for alternative in alternatives:
            parts = alternative.split()
            if self.words[self.at : self.at + len(parts)] == parts:
                self.at += len(parts)
                return alternative
        return None

    def longest(self, table: dict[tuple[str, ...], tokens.T], limit: int = 5) -> tokens.T | None:
        """Step over the longest run of words that is a key of the table and return its value, else stay."""
        for length in range(min(limit, len(self.words) - self.at), 0, -1):
            key = tuple(self.words[self.at : self.at + length])
            if key in table:
                self.at += length
                return table[key]
        return None

    def refuse(self) -> PhraseError:
        where = f"{self.word!r} did not fit" if self.word else "it ended too early"
        return PhraseError(f"phrase {self.phrase!r} is not understood: {where}; see docs/data-builder.md for the forms")


def _noun_phrase(cursor: _Cursor) -> Selection:
    quantity = _quantity(cursor)
    constraints: list[Constraint] = []
    rank: int | None = None
    while (noun := cursor.longest(cursor.nouns)) is None:
        if (number := cursor.longest(tokens.RANKS)) is not None:
            # "second largest" ranks by size; a bare rank waits for its "from the left"
            by = cursor.longest(tokens.SUPERLATIVES)
            if by is None:
                rank = number
            else:
                constraints.append(Extreme(by, number))
        elif (found := _modifier(cursor)) is not None:
            constraints.append(found)
        else:
            raise cursor.refuse()
    category, is_plural, is_mass = noun
    if quantity is None:
        quantity = "all" if is_plural or is_mass else "one"
    if rank is None and cursor.take("number"):
        rank = cursor.longest(tokens.COUNTS)
        if rank is None:
            raise cursor.refuse()
    _tails(cursor, constraints, rank)
    return Selection(category, quantity, ordered(constraints))


def _quantity(cursor: _Cursor) -> Quantity | None:
    if cursor.take("both of the", "both the", "both"):
        return 2
    if cursor.take("all of the", "all the", "all", "every one of the", "every", "each"):
        return cursor.longest(tokens.COUNTS) or "all"
    cursor.take("a", "an", "the")
    count = cursor.longest(tokens.COUNTS)
    return "one" if count == 1 else count


def _modifier(cursor: _Cursor) -> Constraint | None:
    if cursor.take("frustum of a cone"):
        return Shape("cone frustum")
    cursor.take("dark", "light", "bright")
    if cursor.word in lexicon.COLOR_WORDS:
        names = [lexicon.COLOR_WORDS[cursor.word]]
        cursor.at += 1
        while cursor.word == "and" and cursor.words[cursor.at + 1 : cursor.at + 2]:
            following = cursor.words[cursor.at + 1]
            if following not in lexicon.COLOR_WORDS:
                break
            names.append(lexicon.COLOR_WORDS[following])
            cursor.at += 2
        return Color(tuple(names))
    if cursor.word in lexicon.SIZE_WORDS:
        cursor.at += 1
        return Size(lexicon.SIZE_WORDS[cursor.words[cursor.at - 1]])
    if cursor.word in lexicon.SHAPE_WORDS:
        cursor.at += 1
        return Shape(lexicon.SHAPE_WORDS[cursor.words[cursor.at - 1]])
    if (by := cursor.longest(tokens.SUPERLATIVES)) is not None:
        return Extreme(by)
    far = cursor.take("far") is not None
    region = cursor.longest(tokens.REGIONS)
    return Position(region, far) if region is not None else None


def _tails(cursor: _Cursor, constraints: list[Constraint], rank: int | None) -> None:
    while not cursor.done():
        start = cursor.at
        while cursor.longest(tokens.LINKS) is not None:
            pass
        if cursor.done() and cursor.at > start:
            break
        if cursor.take("on it"):
            continue
        if rank is not None and cursor.take("counting from the", "counted from the", "from the", "from"):
            region = cursor.longest(tokens.REGIONS)
            if region is None:
                raise cursor.refuse()
            constraints.append(Extreme(region, rank))
            rank = None
            continue
        found = _comparison(cursor) or _nearest(cursor) or _direction(cursor) or _contact(cursor)
        if found is None:
            raise cursor.refuse()
        constraints.append(found)
    if rank is not None:
        raise cursor.refuse()


def _comparison(cursor: _Cursor) -> Constraint | None:
    degree = cursor.longest(tokens.COMPARISONS, limit=6)
    return None if degree is None else Comparison(degree, _noun_phrase(cursor))


def _nearest(cursor: _Cursor) -> Constraint | None:
    if cursor.take("furthest to the", "farthest to the", "furthest", "farthest"):
        region = cursor.longest(tokens.REGIONS)
        if region is None:
            raise cursor.refuse()
        return Extreme(region)
    if not cursor.take("closest to", "nearest to", "nearest", "closest"):
        return None
    start = cursor.at
    cursor.take("the")
    region = cursor.longest(tokens.REGIONS)
    if region is not None:
        cursor.longest(tokens.PARTS)
        cursor.longest(tokens.OF_THE_IMAGE)
        if cursor.longest(cursor.nouns) is None:
            return Extreme(region)
    cursor.at = start
    return Relation("closest to", _noun_phrase(cursor))


def _direction(cursor: _Cursor) -> Constraint | None:
    """ "on the left", "in the upper left corner of the image", "to the left of the ship", "above the ship"."""
    start = cursor.at
    above = cursor.longest(tokens.ABOVE_BELOW)
    if above is not None:
        return Relation(above, _noun_phrase(cursor))
    cursor.take("on", "in", "at", "to", "near", "towards", "toward", "along", "by")
    cursor.take("the")
    far = cursor.take("far", "very", "extreme") is not None
    region = cursor.longest(tokens.REGIONS)
    if region is None or (cursor.at < len(cursor.words) and cursor.longest(cursor.nouns) is not None):
        cursor.at = start  # "on the left bridge" is about a bridge, not about the left
        return None
    cursor.longest(tokens.PARTS)
    if cursor.longest(tokens.OF_THE_IMAGE) is not None or not cursor.take("of"):
        return Position(region, far)
    inner = cursor.at
    cursor.take("the")
    if cursor.longest(tokens.REGIONS) is not None and (cursor.done() or cursor.word == "of"):
        cursor.at = inner  # "on the right of the lower right": two regions, and the loop reads the second
        return Position(region, far)
    cursor.at = inner
    if region == "middle":
        raise cursor.refuse()
    return Relation(region, _noun_phrase(cursor))


def _contact(cursor: _Cursor) -> Constraint | None:
    word = cursor.longest(tokens.CONTACTS)
    return None if word is None else Relation(word, _noun_phrase(cursor))
