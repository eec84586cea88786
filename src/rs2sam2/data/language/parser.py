"""Phrase -> program: benchmark wording and freer English, word by word, no model.

    phrase   := [a|the|all|both|two ...] modifier* noun (link* tail)*
    modifier := colour | size | shape | region | superlative | rank
    tail     := region ["of the image"] | relation phrase | comparison phrase | "from the left" ...

A phrase that has a word left over is refused with that word, never half understood. So is one that ranks a plural
without saying how many are meant ("the largest ships"), or whose places contradict each other ("top center").
"""

from __future__ import annotations

import unicodedata
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
    contradiction,
    ordered,
)
from rs2sam2.data.language.symmetry import turn_direction
from rs2sam2.errors import UsageError

_AT = ("on", "in", "at", "to", "near", "towards", "toward", "along", "by")
"""What leads to a place."""


class PhraseError(UsageError):
    """A phrase the parser does not understand."""


def parse(phrase: str, rules: RuleName = "english", categories: Sequence[str] = ()) -> Program:
    """The program of a phrase, its words to be read under `rules`.

    `categories`: class names beyond the lexicon's that may occur as nouns. PhraseError names the word that did not fit.
    """
    return _parse(phrase, rules, tuple(categories), True)


def overhear(phrase: str, categories: Sequence[str] = ()) -> Selection:
    """What a phrase is about and by which kinds of words, whether or not these go together ("the ship at the top center").

    Says whether a place or an order is spoken of, not which one is meant: that takes `parse`. Raises PhraseError.
    """
    return _parse(phrase, "english", tuple(categories), False).select


@lru_cache(maxsize=4096)
def _parse(phrase: str, rules: RuleName, categories: tuple[str, ...], strict: bool) -> Program:
    cursor = _Cursor(phrase, categories, strict)
    selection = _noun_phrase(cursor)
    if not cursor.done():
        raise cursor.refuse()
    return Program(selection, rules)


class _Cursor:
    """The words of a phrase and a place among them. `strict`: whether what does not go together is refused."""

    def __init__(self, phrase: str, categories: tuple[str, ...], strict: bool) -> None:
        self.phrase, self.strict = phrase, strict
        self.words = tokens.words(phrase)
        self.at = 0
        self.nouns = tokens.noun_table(categories)
        for word in phrase.split():
            if any(unicodedata.category(c)[0] == "L" and not _is_latin(c) for c in word):
                raise self.refuse(f"{word!r} is in another script")  # it has no word in `words`

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

    def region(self) -> str | None:
        """Step over a region of the image and return it, else stay; "top center" is none of the nine and refused."""
        found = self.longest(tokens.REGIONS)
        start = self.at
        following = self.longest(tokens.REGIONS) if found is not None else None
        self.at = start
        if self.strict and following is not None and (found == "middle") != (following == "middle"):
            raise self.refuse()
        return found

    def refuse(self, why: str | None = None) -> PhraseError:
        why = why or (f"{self.word!r} did not fit" if self.word else "it ended too early")
        return PhraseError(f"phrase {self.phrase!r} is not understood: {why}; see docs/data-builder.md for the forms")


def _is_latin(letter: str) -> bool:
    return letter.isascii() or unicodedata.name(letter, "").startswith("LATIN") or letter in "ªº"


def _noun_phrase(cursor: _Cursor, touching: bool = False) -> Selection:
    """What comes next; `touching`: as what something is in, on, with or next to."""
    start = cursor.at
    quantity = _quantity(cursor)
    bare = cursor.at == start
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
    if quantity is None and not is_plural and not is_mass:
        quantity = "one"
    elif quantity is None:
        # the bridge with cars need not have all of them, and the ship on the water is not on every patch of it
        quantity = "some" if touching and (bare or is_mass) else "all"
    if rank is None and cursor.take("number"):
        rank = cursor.longest(tokens.COUNTS)
        if rank is None:
            raise cursor.refuse()
    _tails(cursor, constraints, rank)
    selection = Selection(category, quantity, ordered(constraints))
    if cursor.strict and (why := contradiction(selection)) is not None:
        raise cursor.refuse(why)
    return selection


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
    start = cursor.at
    cursor.take("dark", "light", "bright")
    if cursor.word not in lexicon.COLOR_WORDS:
        cursor.at = start  # "the dark large ship" is not just a large one
    else:
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
    region = cursor.region()
    return Position(region, far) if region is not None else None


def _tails(cursor: _Cursor, constraints: list[Constraint], rank: int | None) -> None:
    while not cursor.done():
        start = cursor.at
        while cursor.longest(tokens.LINKS) is not None:
            pass
        if cursor.done() and cursor.at > start:
            break
        place = cursor.at
        moving = place > start and cursor.words[place - 1] in tokens.MOVING and cursor.word in tokens.TOWARDS
        if not (moving and cursor.words[place + 1 : place + 2] and cursor.words[place + 1] in tokens.ACROSS):
            _skip_right(cursor)
        if cursor.take("on it"):
            continue
        if rank is not None and cursor.take("counting from the", "counted from the", "from the", "from"):
            region = cursor.region()
            if region is None:
                raise cursor.refuse()
            _skip_end(cursor, region)
            constraints.append(Extreme(region, rank))
            rank = None
            continue
        found = _comparison(cursor) or _nearest(cursor) or _direction(cursor) or _contact(cursor)
        if found is not None and moving and cursor.strict and isinstance(found, Position):
            cursor.at, found = place, None  # "going (to the) left" is where to, "going to the left of the river" where
        if found is None:
            raise cursor.refuse()
        constraints.append(found)
    if rank is not None:
        raise cursor.refuse()


def _skip_right(cursor: _Cursor) -> None:
    """Step over the "right" of "right above" and "right next to", which is no side."""
    start = cursor.at
    if cursor.take("right"):
        tie = cursor.longest(tokens.CONTACTS) or cursor.longest(tokens.ABOVE_BELOW) or cursor.take(*_AT)
        cursor.at = start if tie in (None, "holding") else start + 1


def _skip_end(cursor: _Cursor, region: str) -> None:
    """Step over the "to right" of "from left to right", where `region` is what it counts from."""
    start = cursor.at
    ends = cursor.take("to the", "to") and cursor.longest(tokens.REGIONS) == turn_direction(region, "rot180")
    cursor.longest(tokens.OF_THE_IMAGE)
    if not ends or cursor.word == "of":
        cursor.at = start


def _comparison(cursor: _Cursor) -> Constraint | None:
    degree = cursor.longest(tokens.COMPARISONS, limit=6)
    return None if degree is None else Comparison(degree, _noun_phrase(cursor))


def _nearest(cursor: _Cursor) -> Constraint | None:
    if cursor.take("furthest to the", "farthest to the", "furthest", "farthest"):
        region = cursor.region()
        if region is None:
            raise cursor.refuse()
        return Extreme(region)
    if not cursor.take("closest to", "nearest to", "nearest", "closest"):
        return None
    start = cursor.at
    cursor.take("the")
    region = cursor.region()
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
    cursor.take(*_AT)
    cursor.take("the")
    far = cursor.take("far", "very", "extreme") is not None
    region = cursor.region()
    if region is None or (cursor.at < len(cursor.words) and cursor.longest(cursor.nouns) is not None):
        cursor.at = start  # "on the left bridge" is about a bridge, not about the left
        return None
    part = cursor.word
    is_part = cursor.longest(tokens.PARTS) is not None and part != "side"
    if cursor.longest(tokens.OF_THE_IMAGE) is not None or not cursor.take("of"):
        return Position(region, far)
    if cursor.words[start : cursor.at] == ["on", "top", "of"]:
        cursor.at = start  # a contact, not above
        return None
    inner = cursor.at
    cursor.take("the")
    if cursor.longest(tokens.REGIONS) is not None and (cursor.done() or cursor.word == "of"):
        cursor.at = inner  # "on the right of the lower right": two regions, and the loop reads the second
        return Position(region, far)
    cursor.at = inner
    if region == "middle" or (is_part and cursor.strict):
        raise cursor.refuse()  # "the corner of the parking lot" is in it, not beside it
    return Relation(region, _noun_phrase(cursor))


def _contact(cursor: _Cursor) -> Constraint | None:
    word = cursor.longest(tokens.CONTACTS)
    return None if word is None else Relation(word, _noun_phrase(cursor, touching=True))
