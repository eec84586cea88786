"""What a phrase as people type it asks for, in the words of `wording`: those that small models learn.

"Could you find the jet parked near the top-left corner of this photo?" asks for "the airplane in the top left corner of
the image". A phrase in such words already stays as it is, and so does every word that is not known here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache, lru_cache

from rs2sam2.data.language.known import DESCRIBING, TELLING
from rs2sam2.data.language.lexicon import (
    COLOR_WORDS,
    COUNTS,
    KINDS_OF,
    NOUNS,
    SHAPE_WORDS,
    SIZE_WORDS,
    TAXONOMY,
    noun_of,
    plural,
)
from rs2sam2.data.language.parser import PhraseError, parse
from rs2sam2.data.language.places import ENDS, OF_PICTURES, PICTURES, SIDES, THIS
from rs2sam2.data.language.synonyms import SYNONYMS, UNDERSTOOD
from rs2sam2.data.language.tokens import Words, noun_table, words

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
_GENERAL = words(
    "area areas court courts field fields ground grounds line lines lot lots port ports station stations track tracks"
)
_DENYING = words("don't dont cannot")
_GOING = words("going driving running heading moving")
_BETTER = {
    "centre": "center", "grey": "gray", "little": "small", "giant": "huge", "enormous": "huge", "massive": "huge",
    "which is": "that is", "which are": "that are", "of this image": "of the image",
    "watercraft": "ship", "sea": "water", "ocean": "water", "woods": "forest", "woodland": "forest", "lawn": "low vegetation",
    "grass": "low vegetation", "railroad": "railway tracks", "pedestrians": "people",
}  # fmt: skip
_TYING = {
    "beneath": "below", "underneath": "below", "under": "below",
    "adjacent to": "next to", "alongside": "next to", "near": "next to", "near to": "next to", "by": "next to",
    "directly above": "above", "directly below": "below", "directly next to": "next to", "enclosed by": "inside",
}  # fmt: skip
"""The same for what ties a thing to another, which is then named."""
_AS_IT_IS = (
    "next to", "close to", "a little bigger", "a little larger", "a little smaller", "closest to the center",
    "closest to the middle", "nearest to the center", "nearest to the middle", "on the left", "on the right",
)  # fmt: skip
"""Parts of these would be exchanged."""
_NEAREST = ("furthest", "farthest", "closest", "nearest")
_LONGEST = 8
"""Words in the longest run."""


def plain(phrase: str, classes: tuple[str, ...] = ()) -> str:
    """The phrase in plain words, or as it came where it is in such words, says nothing else, or is in another script.

    `classes`: names that a model knows, which are never taken for another class's.
    """
    given = words(phrase)
    said = _without_ends(list(_exchanged(list(_without_right(_pictured(given))), classes)))
    place = _longest(said, _places())
    # "on the left there is a ship", but not "on the left of the harbor there is a ship"
    if 0 < place < len(said) and said[place] not in ("of", *_PLACE_WORDS):
        said = _without_ends(said[place:]) + said[:place]
    said = _without_preamble(list(_unlinked(said)), classes)
    return " ".join(said) if said and said != given and phrase.isascii() else phrase


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
        if word != "right" or following not in _TIES or before in _BEFORE_A_SIDE:
            yield word


def _exchanged(said: Sequence[str], classes: tuple[str, ...]) -> Iterator[str]:
    """Runs of words that have a better name by that name, the longest first.

    A part of a compound stays: "the jet bridge" is no bridge of airplanes, and nobody knows what a "jet ski" is.
    """
    table, nouns = _table(classes), _named(classes)
    i = 0
    while i < len(said):
        length = _longest(said[i:], table)
        run, rest = tuple(said[i : i + (length or 1)]), said[i + (length or 1) :]
        before = said[i - 1] if i else ""
        if " ".join(run) in _TYING:
            exchanged = before not in _ARTICLES and _begins_a_name(rest, nouns) and not _by_whom(run, before)
        else:
            exchanged = run not in nouns or _stands_alone(run, before, rest, nouns)
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


def _unlinked(said: Sequence[str]) -> Iterator[str]:
    """Without words that only link a thing to its place: "that is parked in the middle" is "in the middle"."""
    linked: list[str] = []
    for word, following in zip(said, [*said, ""][1:], strict=True):
        if word not in _STANDING or following not in _PREPOSITIONS or (word in _GOING and following == "to"):
            linked.append(word)
        elif linked[-1:] not in (["is"], ["are"]):
            linked.append("located")
        elif word not in _PLACED and linked[-2:-1] != ["that"]:
            linked.append(word)  # RRSIS-D says "a vehicle is driving on the bridge"
    i = 0
    while i < len(linked):
        link = 2 if linked[i : i + 2] in (["that", "is"], ["that", "are"]) else linked[i] in ("is", "are", "located")
        if link and _longest(linked[i + link :], _places()) == len(linked) - i - link:
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


def _understood(phrase: str, classes: tuple[str, ...]) -> bool:
    try:
        parse(phrase, categories=classes)
    except PhraseError:
        return False
    return True


def _longest(said: Sequence[str], table: dict[Words, Words], last: bool = False) -> int:
    """Words of the longest run of the table that `said` begins with (`last`: ends with); 0 where there is none."""
    lengths = range(min(len(said), _LONGEST), 0, -1)
    return next((n for n in lengths if tuple(said[-n:] if last else said[:n]) in table), 0)


@cache
def _runs(text: str) -> dict[Words, Words]:
    return {tuple(run.split()): () for run in " ".join(text.split()).replace("| ", "|").split("|")}


@cache
def _places() -> dict[Words, Words]:
    """Runs of words that say where in the picture something is, as `_table` leaves them."""
    found = {"in the middle", "in the center", "near the top", "near the bottom"}
    for side in SIDES:
        found |= {f"on the {side}", f"on the {side} side", f"on the far {side}"}
        found |= {f"{at} the {end} {side}{p}" for at in ("in", "on") for end in ENDS for p in ("", " corner", " part")}
    for end in ENDS:
        found |= {f"at the {end}", f"on the {end}", f"in the {end} part", f"at the very {end}"}
    return {tuple(f"{place}{of}".split()): () for place in found for of in ("", " of the image")}


@lru_cache(maxsize=64)
def _table(classes: tuple[str, ...]) -> dict[Words, Words]:
    """Runs of words, and what is said for them; what must be left alone stands for itself."""
    table = _BETTER | _TYING | {run: run for run in _AS_IT_IS}
    toward = ("at", "to", "near", "toward", "towards", "on", "in")
    for side in SIDES:
        for at in toward:
            table |= {f"{at} the {side}{part}": f"on the {side}" for part in ("", " hand side", " edge", " half")}
            table |= {f"{at} the {side} {part}": f"on the {side} side" for part in ("side", "part")}
            table |= {f"{at} the {side}{part} of": f"to the {side} of" for part in (" side", " hand side")}
            table |= {f"{at} the {side}{part} of": f"{at} the {side}{part} of" for part in (" edge", " half", " part")}
            for part in ("", " side", " hand side", " edge", " half", " part"):
                table[f"{at} the {side}{part} of the image"] = f"on the {side} side of the image"
            for end in ENDS:
                table |= {
                    f"{at} the {end} {side}{part}": f"in the {end} {side}{part}" for part in ("", " corner", " part")
                }
                table |= {f"{at} the {end} {side} {part}": f"in the {end} {side} part" for part in ("side", "area")}
        table |= {f"{how} to the {side} of": f"to the {side} of" for how in ("directly", "immediately", "just")}
        as_it_is = [f"{how} to the {side}" for how in (*_NEAREST, *_GOING)]
        as_it_is += [f"{how} {to} the {side}" for how in _GOING for to in ("toward", "towards")]
        as_it_is += [f"from the {other} to the {side}{of}" for other in SIDES for of in ("", " of")]
        as_it_is += [f"{at} the {side} of" for at in ("to", "on")] + [f"on the {side} of the image"]
        as_it_is += [f"{at} the {end} {side} of" for at in ("to", "on") for end in ENDS]
        as_it_is += [f"on the {end} {side}" for end in ENDS]
        table |= {run: run for run in as_it_is}
        for end in ENDS:
            table |= {f"{at} the {end} {side} of the image": f"in the {end} {side} of the image" for at in toward}
    for end in ("top", "bottom"):
        table |= {f"{at} the {end}": f"at the {end}" for at in ("to", "toward", "towards")}
        table |= {run: run for run in (f"near the {end}", "from the top to the bottom", "from the bottom to the top")}
    table |= {run: run for end in ENDS for run in (f"{how} to the {end}" for how in _NEAREST)}
    for at in ("in", "at", "near", "toward", "towards", "around"):
        table |= {f"{at} the {name}": "in the center" for name in ("center", "centre", "central part", "very center")}
        table |= {f"{at} the {name}": "in the middle" for name in ("middle", "middle part")}
    for category, names in (*SYNONYMS.items(), *UNDERSTOOD.items()):
        one, many = noun_of(category).names[0], noun_of(category).plurals[0]
        table |= {plural(name): many for name in names} | dict.fromkeys(names, one)
    for noun in (*NOUNS.values(), *map(noun_of, classes)):
        table |= {name: name for name in (*noun.names, *noun.plurals)}  # "wind turbine" has its second word
        table |= dict.fromkeys(noun.heard, noun.names[0])
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
def _named(classes: tuple[str, ...]) -> dict[Words, Words]:
    """Runs of words that name a class, by whatever name."""
    known = noun_table(classes)
    return {run: run for run in known} | {run: run for run, better in _table(classes).items() if better in known}
