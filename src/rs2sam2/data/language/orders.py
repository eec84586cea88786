"""Orders, numbers and colours in the words that models learn, for `plain`.

    the first ship from the left                     the leftmost ship
    the last two large ships from the top            the two bottommost large ships
    the 2nd ship from the left                       the second ship from the left
    the ship number 3 from the right                 the third ship from the right
    the largest one of the three ships               the largest ship
    the rightmost ship among the ships               the rightmost ship
    the smaller of the two ships                     the smallest ship
    each ship on the left                            every ship on the left
    the only ship                                    the ship
    the ship in white; the white-colored ship        the white ship

Only for names that are known, so that nothing is taken for an order that may be none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

from rs2sam2.data.language import lexicon, tokens
from rs2sam2.data.language.symmetry import turn_direction
from rs2sam2.data.language.tokens import Words, noun_table


def _any(names: Iterable[str]) -> str:
    return "(?:" + "|".join(sorted(names, key=len, reverse=True)) + ")"


def _runs(table: Iterable[Words]) -> set[str]:
    return {" ".join(run) for run in table}


# A name is one word of the text that is searched: "storage_tanks=storage_tank+", with its singular and whether it is one
# ("."; what is not counted, too), many ("+") or, like "aircraft", either ("*").
_ONE, _MANY, _NAME = (rf"\w+=\w+[{marks}](?= |$)" for marks in (".*", "+*", ".+*"))
_RANKS = {word: lexicon.RANKS[rank - 1] for (word,), rank in tokens.RANKS.items()}
_NUMBERS = {word: lexicon.RANKS[n - 1] for (word,), n in tokens.COUNTS.items() if n <= len(lexicon.RANKS)}
_COUNT = _any(word for (word,), n in tokens.COUNTS.items() if n > 1)
_MOST = _any(_runs(tokens.SUPERLATIVES))
_COLOR_WORD = rf"(?:(?:dark|light|bright) )?{_any(lexicon.COLOR_WORDS)}"
_COLOR = rf"(?P<color>{_COLOR_WORD}(?: and {_COLOR_WORD})*)"
_LOOKS = rf"(?:{_any([*lexicon.COLOR_WORDS, *lexicon.SIZE_WORDS, *lexicon.SHAPE_WORDS, 'dark', 'light', 'bright'])} )*"
_DESCRIBED = rf"(?:{_any([_COUNT, _MOST, *lexicon.RANKS, *_runs(tokens.REGIONS)])} )*{_LOOKS}"
_FROM = r"(?:(?:when )?(?:counting|counted|starting) )?from"
_SIDE = (
    rf"{_FROM} (?:the )?(?P<side>left|right|top|bottom)(?: hand)?(?: (?:side|edge|end|border))?(?: of the image)?"
    r"(?: to (?:the )?(?:left|right|top|bottom))?"
)
_LINKING = {run[0] for table in (tokens.CONTACTS, tokens.ABOVE_BELOW, tokens.LINKS) for run in table}
_DONE = (
    rf"(?= (?:{_any(_LINKING)}|to|from|closest|nearest|furthest|farthest|please|thanks|thank|visible|seen|shown|present|found"
    r"|depicted|for|now|anywhere|somewhere|if)\b|$)"
)
"""What is said is over here: not in "the first ship from the left bank", "the car in white water"."""
_AMONG = r"(?:of|among|amongst|out of|from among)"
_GROUP = rf"{_AMONG} (?:all )?(?:of )?(?:the |these |those )?(?:{_COUNT} )?(?P<group_looks>{_LOOKS})"


def as_taught(said: Sequence[str], classes: tuple[str, ...] = ()) -> list[str]:
    """The words of a phrase, its classes by names of `noun_table(classes)`, with orders and colours said as `wording` does."""
    text = " ".join(_marked(said, classes))
    for pattern, better in _RULES:
        text = pattern.sub(better, text)
    return re.sub(r"=\w+[.+*]", "", text).replace("_", " ").split()


def _marked(said: Sequence[str], classes: tuple[str, ...]) -> Iterable[str]:
    names, i = _names(classes), 0
    while i < len(said):
        length = next((n for n in range(5, 0, -1) if tuple(said[i : i + n]) in names), 0)
        yield names[tuple(said[i : i + length])] if length else _RANKS.get(said[i], said[i])
        i += length or 1


@lru_cache(maxsize=64)
def _names(classes: tuple[str, ...]) -> dict[Words, str]:
    """Names of classes by their words, as `_ONE` and `_MANY` find them."""
    names = {}
    for noun in map(lexicon.noun_of, {category for category, _, _ in noun_table(classes).values()}):
        for one, many in zip(noun.names, noun.plurals, strict=True):
            alike = one == many and not noun.mass
            names[tuple(many.split())] = f"{many}={one}{'*' if alike else '+'}".replace(" ", "_")
            if not alike:
                names[tuple(one.split())] = f"{one}={one}.".replace(" ", "_")
    return names


def _singular(name: str) -> str:
    return re.sub(r".*=(\w+).", r"\1=\1.", name)


def _first(found: re.Match[str]) -> str:
    count = found["count"] or found["count_after"]
    if not re.fullmatch(_MANY if count else _ONE, found["name"]):
        return found[0]  # "the first ships from the left": nobody knows how many
    side = found["side"] if found["rank"] == "first" else turn_direction(found["side"], "rot180")
    return f"{f'{count} ' if count else ''}{side}most {found['looks']}{found['name']}"


def _most_of(found: re.Match[str]) -> str:
    name = found["name"] if found["count"] else _singular(found["name"])
    return f"{found['count'] or ''}{found['most']} {found['group_looks']}{name}"


def _most_among(found: re.Match[str]) -> str:
    looks = dict.fromkeys(f"{found['looks']} {found['group_looks'] or ''}".split())
    return " ".join([found["most"], *looks, found["name"]])


def _colored(found: re.Match[str]) -> str:
    before = found.string[: found.start()]
    if re.search(rf"=|\b{_any(lexicon.COLOR_WORDS)}\b", before):
        return found[0]  # "the ship next to the harbor in white": nobody knows which
    article = found["article"] or ""
    if article.startswith("a"):
        article = "an " if found["color"][0] in "aeiou" else "a "
    return f"{article}{found['color']} {found['name']}"


_RULES: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = tuple(
    (re.compile(pattern), better)
    for pattern, better in (
        (rf"(?<=\bthe )only (?={_DESCRIBED}{_NAME})", ""),
        (rf"\beach (?={_DESCRIBED}{_ONE})", "every "),
        (rf"\b(first {_LOOKS}{_ONE} {_FROM}) above\b", r"\1 the top"),
        (
            rf"\b(?:(?:the|an?) )?({_LOOKS}{_ONE}) (?:number|no) ({_any(_NUMBERS)}) (?={_SIDE}{_DONE})",
            lambda found: f"the {_NUMBERS[found[2]]} {found[1]} ",
        ),
        (rf"(?<=\bthe )(small|larg|bigg)er(?= (?:one )?{_GROUP}{_MANY}| {_LOOKS}{_ONE})(?!.*\bthan\b)", r"\1est"),
        (
            rf"(?<=\bthe )(left|right|top|bottom|upper|lower)(?= (?:one|{_LOOKS}{_ONE}) {_AMONG} the two\b)",
            lambda found: {"upper": "top", "lower": "bottom"}.get(found[1], found[1]) + "most",
        ),
        (rf"\b(?P<count>{_COUNT} )?(?P<most>{_MOST})(?: ones?)? {_GROUP}(?P<name>{_MANY})", _most_of),
        (
            rf"\b(?P<count>)(?P<most>last|{_any(lexicon.RANKS)})(?: one)? {_GROUP}(?P<name>{_MANY})(?= {_SIDE}{_DONE})",
            _most_of,
        ),
        (
            rf"\b(?P<most>{_MOST}) (?P<looks>{_LOOKS})(?P<name>\w+=(?P<one>\w+)[.*]) "
            rf"(?:{_GROUP}\w+=(?P=one)[+*](?= |$)|{_AMONG} (?:all(?: of)?(?: them)?|the {_COUNT}|them(?: all)?){_DONE})",
            _most_among,
        ),
        (
            rf"\b(?:(?P<count>{_COUNT}) )?(?P<rank>first|last) (?:(?P<count_after>{_COUNT}) )?"
            rf"(?P<looks>{_LOOKS})(?P<name>{_NAME}) {_SIDE}{_DONE}",
            _first,
        ),
        (rf"\bfirst (?={_MOST} )", ""),
        (rf"\b({_COLOR_WORD}) colou?r(?:ed)? (?={_LOOKS}{_NAME})", r"\1 "),
        (
            rf"(?P<article>\b(?:the|an?) )?(?P<name>{_NAME}) "
            rf"(?:with|in|of|that is|that are|colou?red|painted) (?:an? |the )?{_COLOR}(?: in)?(?: colou?r)?{_DONE}",
            _colored,
        ),
    )
)
"""What is looked for in the marked text and what is said instead, one after the other."""
