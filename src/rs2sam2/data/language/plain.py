"""What a phrase as people type it asks for, in the words of `wording`: those that small models learn.

"Could you find the jet parked near the top-left corner of this photo?" asks for "the airplane in the top left corner of
the image". A phrase in such words already stays as it is, and so does every word that is not known here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import cache

from rs2sam2.data.language.called import better_names, named
from rs2sam2.data.language.known import DESCRIBING, TELLING
from rs2sam2.data.language.lexicon import COLOR_WORDS, COUNTS, SHAPE_WORDS, SIZE_WORDS
from rs2sam2.data.language.orders import as_taught
from rs2sam2.data.language.parser import PhraseError, parse
from rs2sam2.data.language.places import ENDS, OF_PICTURES, PICTURES, SIDES, THIS
from rs2sam2.data.language.program import Program, Relation
from rs2sam2.data.language.tokens import ACROSS, Words, noun_table, words
from rs2sam2.data.language.where import GOING, TYING, by_the_rim, places

_PICTURES = {*PICTURES, *words("images pictures photos photographs")}
_OF_PICTURES = words(" ".join(OF_PICTURES))
_LEADS = """
    please|kindly|hey|hi|hello|can|could|would|will|do|you|help|me|us|i|we|am|m|d|is|are|want|need|like|wish|to|for|see|know|
    have|looking|segment|find|locate|show|highlight|mark|outline|select|detect|extract|identify|point|out|look|search|give|
    get|draw|cut|delineate|pick|label|return|tell|spot|where|what|which|here|there|this|that|these|those|it|pixels|belong|
    about|in the image|the image shows|the image contains|mask of|mask for|mask around|outline of|location of|position of|
    segmentation of|the mask of|the mask for|the outline of|the location of|the position of|the segmentation of|a mask of|
    a mask for|a mask around|an outline of
"""
"""What a phrase may begin with that says nothing of what is meant."""
_TAILS = """
    please|thanks|thank you|is|are|that is|that are|in the image|from the image|on the image|from above|from the air|from space|
    visible|seen|shown|present|found|depicted|that can be|for me|now|anywhere|somewhere|if there is one|if any
"""
_PLACED = words("located situated positioned placed sitting standing visible seen shown present")
_STANDING = [*_PLACED, *words("lying parked moored docked anchored driving going running")]
_PREPOSITIONS = words("in on at near next to left right above below inside within beside close")
_PLACE_WORDS = [*SIDES, *ENDS, *words("middle center side part corner")]
_STARTS = words("the a an all every both")
_ARTICLES = {*words("a an its their our his her these those some any several many another"), *THIS}
_BEGINNING_A_NAME = {*_ARTICLES, *_STARTS, *COLOR_WORDS, *SIZE_WORDS, *SHAPE_WORDS, *COUNTS, *words("each it them")}
_TIES = words(
    "next above below beneath underneath under beside by near close on in at over inside within across through"
)
_BEFORE_A_SIDE = words("the far very extreme upper lower top bottom from on in at to")
_AROUND_A_NAME = DESCRIBING | {*_TIES, *words("toward towards along into onto off like was were has have had")}
_BEFORE_A_NAME = _AROUND_A_NAME | {
    *words(_LEADS),
    *words("count list multiple various numerous last such either neither"),
}
_AFTER_A_NAME = _AROUND_A_NAME | {
    *words(_TAILS), *_STANDING,
    *words("can could will would should do does did who whose what when where while because if so then i we you he she"),
    *words("they me us him them too now here there today number together everywhere outside again alone apart opposite beyond"),
    *words("offshore afloat separately group cluster fleet only please"),
}  # fmt: skip
"""After these and before those a name is whole: "the jets we saw" are jets, "the jet ski" is none."""
_AFTER_A_PLACE = {
    *_TIES, *_STANDING, *_STARTS, *_ARTICLES,
    *words("is are was were has have there that which who with and or to from it please thanks visible seen shown now for if"),
}  # fmt: skip
"""After "near the left" anything else may go on with a name ("bridge") or a place ("of the harbor")."""
_GENERAL = words(
    "area areas court courts field fields ground grounds line lines lot lots port ports station stations track tracks"
)
_SPORTS = {
    *words("sport sports stadium track athletics athletic running playing training soccer football baseball softball"),
    *words("basketball tennis cricket hockey rugby golf"),
}
"""Beside these a field is no farmland."""
_DENYING = words("don't dont cannot")
_COMPOUND = re.compile(r"[^\W_]+(?:[-_][^\W_]+)+")
_MARKS = {ord(mark): "'" for mark in "\u2018\u2019"} | {ord(mark): "-" for mark in "\u2010\u2011"}
"""Marks that people's keyboards make of an apostrophe and a hyphen."""
_LONGEST = 10
"""Words in the longest run."""


def plain(phrase: str, classes: tuple[str, ...] = ()) -> str:
    """The phrase in plain words, or as it came where it is in such words, says nothing else, or is in another script.

    "As it came" is with its capitals and its last stop; what else stands between words is said as a blank.

    `classes`: names that a model knows, which are never taken for another class's.
    """
    typed = phrase.translate(_MARKS)
    given = words(_COMPOUND.sub(lambda name: _whole(name[0], classes), typed))
    said = list(_exchanged(list(_without_right(_pictured(given))), classes))
    said = _without_ends(as_taught(said, classes))
    place = _longest(said, places())
    # "on the left there is a ship"; "on the left of the harbor there is a ship" has its thing first in `_straight`
    if 0 < place < len(said) and said[place] not in ("of", *_PLACE_WORDS):
        said = _without_ends(said[place:]) + said[:place]
    said = _without_preamble(list(_unlinked(_straight(said, classes))), classes)
    as_it_came = typed.lower().rstrip(" .").replace("'s", "").replace("'", " ").split()
    foreign = any(not c.isascii() and (c.isalnum() or unicodedata.combining(c)) for c in phrase)
    return phrase if foreign or said in ([], as_it_came) else " ".join(said)


def _whole(name: str, classes: tuple[str, ...]) -> str:
    """A name with hyphens as the one word that it is ("over-pass"), or as it came."""
    joined = "".join(words(name))
    return joined if (joined,) in named(classes) else name


def _pictured(given: Iterable[str]) -> list[str]:
    """Every word for the picture is "image", "this image" is "the image"."""
    said: list[str] = []
    for word in given:
        if word in _PICTURES:
            while said and said[-1] in _OF_PICTURES:
                said.pop()
            if said and said[-1] in THIS:
                said[-1] = "the"
        said.append("image" if word in _PICTURES else word)
    return said


def _without_right(said: Sequence[str]) -> Iterator[str]:
    """Without the "right" of "right above" and "right next to", which is no side."""
    for before, word, following in zip(["", *said], said, [*said[1:], ""], strict=False):
        heading = before in GOING and following in ACROSS
        if word != "right" or following not in _TIES or before in _BEFORE_A_SIDE or heading:
            yield word


def _exchanged(said: Sequence[str], classes: tuple[str, ...]) -> Iterator[str]:
    """Runs of words that have a better name by that name, the longest first.

    A part of a compound stays: "the jet bridge" is no bridge of airplanes, and nobody knows what a "jet ski" is.
    """
    table, nouns, rims = better_names(classes), named(classes), by_the_rim()
    i = 0
    while i < len(said):
        length = _longest(said[i:], table)
        run = tuple(said[i : i + (length or 1)])
        if run in rims and _goes_on(said[i + len(run) :], nouns):
            run = rims[run]  # "near the left bridge" is near it
        rest, before = said[i + len(run) :], said[i - 1] if i else ""
        if " ".join(run) in TYING:
            exchanged = before not in _ARTICLES and _begins_a_name(rest, nouns) and not _by_whom(run, before)
        else:
            exchanged = run not in nouns or _stands_alone(run, before, rest, nouns)
            if run in (("field",), ("fields",)):
                exchanged &= before != "shaped" and _SPORTS.isdisjoint(said)
        yield from table.get(run, run) if exchanged else run
        i += len(run)


def _stands_alone(run: Words, before: str, rest: Sequence[str], nouns: dict[Words, Words]) -> bool:
    """Whether a name is all of a thing's name, by the word before it and the words after it.

    An unknown word before it describes it ("the derelict warehouse"), but may be part of a general name ("the volley ball field").
    An unknown word after it may be what it is a part of ("the jet ski"), but not where there are several ("jets abreast").
    """
    after = rest[0] if rest else ""
    if _longest(rest, nouns) or after == "shaped":
        return False
    known = not before or before in _BEFORE_A_NAME or before.endswith("ed") or before.isdigit()
    if not known and (run[-1] in _GENERAL or any(before == noun[-1] for noun in nouns)):
        return False
    several = run[-1].endswith("s") and not run[-1].endswith("ss")
    numbered = any(letter.isdigit() for letter in after)  # "the boeing 747"
    return several or numbered or not after or after in _AFTER_A_NAME or after.endswith(("ed", "ing"))


def _begins_a_name(rest: Sequence[str], nouns: dict[Words, Words]) -> bool:
    """Whether words begin with a thing: with an article or a number, a word that describes it, or its noun."""
    return bool(rest) and (rest[0] in _BEGINNING_A_NAME or rest[0].isdigit() or _longest(rest, nouns) > 0)


def _goes_on(rest: Sequence[str], nouns: dict[Words, Words]) -> bool:
    """Whether words after "near the left" or "by the top edge" make these a part of a thing's name, or of its place."""
    return bool(rest) and (rest[0] not in _AFTER_A_PLACE or _longest(rest, nouns) > 0)


def _by_whom(run: Words, before: str) -> bool:
    """Whether it is the "by" of "surrounded by", which is not that of "parked by"."""
    return run == ("by",) and before.endswith("ed") and before not in _STANDING


def _without_ends(said: list[str]) -> list[str]:
    while length := _longest(said, _runs(_LEADS)):
        place = said[:2] == ["to", "the"] and said[2:3] and said[2] in _PLACE_WORDS
        if place or said[length : length + 1] == ["t"]:  # "to the left of the harbor is a ship", "I can't see the ship"
            break
        said = said[length:]
    while length := _longest(said, _runs(_TAILS), last=True):
        said = said[:-length]
    if said[-3:] == ["of", "the", "image"] and len(said) > 3 and said[-4] not in _PLACE_WORDS:
        said = said[:-3]
    return said


def _straight(said: list[str], classes: tuple[str, ...]) -> list[str]:
    """With the thing first: "to the left of the harbor is a ship" is "a ship to the left of the harbor"."""
    for i, word in enumerate(said):
        if not i or word not in ("is", "are") or said[0] in _BEGINNING_A_NAME:
            continue
        tied, thing = said[: i - (said[i - 1] == "there")], said[i + 1 :]
        program, turned = (_understood(" ".join(run), classes) for run in (thing, thing + tied))
        if program is None or turned is None:
            continue
        own, where = program.select.where, turned.select.where
        # where the thing is tied itself, this could be another's place: "a ship next to the bridge on the left of the harbor"
        if not any(isinstance(c, Relation) for c in own) and len(where) == len(own) + 1:
            return thing + tied
    return said


def _unlinked(said: Sequence[str]) -> Iterator[str]:
    """Without words that only link a thing to its place: "that is parked in the middle" is "in the middle"."""
    linked: list[str] = []
    for word, following, after in zip(said, [*said, ""][1:], [*said, "", ""][2:], strict=True):
        heading = word in GOING and (following == "to" or (following in SIDES and after != "of"))
        if word not in _STANDING or following not in _PREPOSITIONS or heading:
            linked.append(word)
        elif linked[-1:] not in (["is"], ["are"]):
            linked.append("located")
        elif word not in _PLACED and linked[-2:-1] != ["that"]:
            linked.append(word)  # RRSIS-D says "a vehicle is driving on the bridge"
    i = 0
    while i < len(linked):
        link = 2 if linked[i : i + 2] in (["that", "is"], ["that", "are"]) else linked[i] in ("is", "are", "located")
        if link and _longest(linked[i + link :], places()) == len(linked) - i - link:
            i += link
        yield linked[i]
        i += 1


def _without_preamble(said: list[str], classes: tuple[str, ...]) -> list[str]:
    """Without what nobody knows before the first words that are a phrase: "our client asked about the ship".

    What ties the phrase to something unknown ("the windows of the house") or denies it must be heard.
    """
    nouns = {part for run in noun_table(classes) for part in run}
    for i, word in enumerate(said):
        if i and word in _STARTS and _understood(" ".join(said[i:]), classes):
            return said[i:]
        if word in TELLING or word in _DENYING or word in nouns:
            break
    return said


def _understood(phrase: str, classes: tuple[str, ...]) -> Program | None:
    try:
        return parse(phrase, categories=classes)
    except PhraseError:
        return None


def _longest(said: Sequence[str], table: dict[Words, Words], last: bool = False) -> int:
    """Words of the longest run of the table that `said` begins with (`last`: ends with); 0 where there is none."""
    lengths = range(min(len(said), _LONGEST), 0, -1)
    return next((n for n in lengths if tuple(said[-n:] if last else said[:n]) in table), 0)


@cache
def _runs(text: str) -> dict[Words, Words]:
    return {tuple(run.split()): () for run in " ".join(text.split()).replace("| ", "|").split("|")}
