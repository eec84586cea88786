"""A phrase as people type it: asked for, politely, in other words for its place, its class and the picture.

What is meant stays the same. Unlike the wordings of `wording`, these are not read back by the parser: a model that learns
from them learns what words do not matter.
"""

from __future__ import annotations

import re
from functools import cache
from random import Random

from rs2sam2.data.language.lexicon import NOUNS, plural
from rs2sam2.data.language.synonyms import SYNONYMS
from rs2sam2.data.language.tokens import words

FRAMES = (
    "segment {}", "segment {} in this {p}", "please segment {}", "could you segment {}?", "segment out {}",
    "find {}", "find {} in the {p}", "please find {}", "can you find {}?", "help me find {}",
    "locate {}", "please locate {}", "can you locate {}?", "where is {}?", "where is {} in this {p}?",
    "show me {}", "show {}", "highlight {}", "please highlight {}", "mark {}", "outline {}", "select {}", "detect {}",
    "extract {}", "identify {}", "point out {}", "look for {}", "I am looking for {}", "I want {}", "give me {}",
    "give me the mask of {}", "the mask of {}", "a mask for {}", "there is {}", "there is {} in the {p}", "this is {}",
    "it is {}", "the {p} shows {}", "in this {p}, {}", "{} in this {p}", "{} in the {p}", "{} of this {p}", "{}, please",
    "{} visible in the {p}", "{} shown in the {p}", "{}, seen from above", "{} please",
)  # fmt: skip
PICTURES = (
    "image", "picture", "photo", "scene", "satellite image", "aerial image", "aerial photo", "photograph", "frame",
    "remote sensing image", "view",
)  # fmt: skip
_SWAPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    # places at the end of a phrase
    (r"\bon the (left|right)( side)?$",
     (r"located on the \1", r"on the \1-hand side", r"at the \1", r"towards the \1", r"in the \1 part of the {p}",
      r"situated on the \1 side", r"positioned at the \1 side of the {p}", r"that is on the \1", r"to the \1")),
    (r"\bat the (top|bottom)$",
     (r"located at the \1", r"towards the \1", r"at the \1 of the {p}", r"on the \1", r"that is at the \1",
      r"in the \1 part of the {p}")),
    (r"\b(?:in|on) the (upper|lower|top|bottom) (left|right)( corner)?$",
     (r"in the \1-\2 corner", r"at the \1 \2", r"in the \1-\2 of the {p}", r"located in the \1 \2 corner",
      r"situated at the \1-\2", r"towards the \1 \2 corner of the {p}", r"in the \1-\2 part of the {p}",
      r"that is in the \1 \2")),
    (r"\bin the (middle|center)$",
     (r"in the centre", r"at the center", r"located in the \1", r"near the center of the {p}", r"in the central part",
      r"that is in the \1", r"positioned at the centre of the {p}")),
    (r"\bof the image$", (r"of the {p}", r"of this {p}")),
    # relations
    (r"\b(?:next to|beside|close to)\b", ("near", "adjacent to", "alongside", "by", "right next to")),
    (r"\bbelow\b", ("beneath", "underneath", "under", "directly below")),
    (r"\babove\b", ("directly above", "located above")),
    (r"\bto the (left|right) of\b", (r"on the \1-hand side of", r"directly to the \1 of", r"located to the \1 of")),
    (r"\blocated\b", ("situated", "positioned", "placed", "lying")),
    (r"\bthat (is|are)\b", (r"which \1",)),
    (r"\binside\b", ("located inside", "enclosed by")),
    # sizes and corners
    (r"\blarge\b", ("big",)),
    (r"\bsmall\b", ("little",)),
    (r"\bupper (left|right)\b", (r"top \1", r"upper-\1")),
    (r"\blower (left|right)\b", (r"bottom \1", r"lower-\1")),
)  # fmt: skip
CHATTER = words(
    """
    we they she he it you my our their his was were had been will would could should must may might does did
    done says said think thought believe know knew ask asked hope told wrote reads report reported team
    client customer boss friend neighbour sister company office mayor council city village region week month
    today yesterday tomorrow soon later again always never maybe really very quite just only even still
    already because although while when before after until unless if so then or for about into during toward
    per plus like as is are be being new old good bad great happy sorry careful important famous strange
    pretty sure ready late early cheap expensive money price photograph camera pilot driver worker engineer
    student teacher morning evening summer winter spring rain snow sun weather map list note letter email
    message question answer idea plan project budget meeting visit trip holiday flight tour look watch wait
    stay leave come bring take send buy rent measure count check inspect repair clean move open start finish
    remember forget love hate
    """
)
"""Words around a phrase that say nothing of what is meant, in any order: sentences that nobody thought of are made of such."""
LONGEST = 150
"""In letters; some 50 tokens of the bundled model's vocabulary, which reads 64."""
LONGEST_CHATTER = 100
"""The same with words that the vocabulary does not know whole."""
SWAPPED, NAMED, FRAMED = 0.5, 0.3, 0.6
"""How often a word that can be swapped is, a class has another name, and a phrase is put into a sentence."""


def freely(phrase: str, random: Random) -> str:
    """The phrase in another's words; the same state of `random` gives the same words. What it means is kept.

    A phrase that would grow longer than models read is left as it is.
    """
    plain, phrase = phrase, phrase.rstrip(".")
    for pattern, others in _SWAPS:
        if random.random() < SWAPPED:
            phrase = re.sub(pattern, random.choice(others), phrase)
    if random.random() < NAMED:
        known, names = _names()
        phrase = known.sub(lambda found: random.choice(names[found[0]]), phrase)
    if random.random() < FRAMED:
        lower = phrase[:1].lower() + phrase[1:]
        phrase = random.choice(FRAMES).replace("{}", lower)
    while "{p}" in phrase:
        phrase = phrase.replace("{p}", random.choice(PICTURES), 1)
    if random.random() < 0.3:
        phrase = phrase[:1].upper() + phrase[1:]
    phrase += "" if phrase.endswith("?") else random.choice(("", "", "."))
    return phrase if len(phrase) <= LONGEST else plain


def with_chatter(phrase: str, random: Random) -> str:
    """The phrase in the middle of words that say nothing, or as it is where it would grow longer than models read."""
    before, after = random.randint(0, 6), random.randint(0, 4)
    phrase = phrase.rstrip(".?")
    said = [*random.choices(CHATTER, k=before), phrase[:1].lower() + phrase[1:], *random.choices(CHATTER, k=after)]
    return out if len(out := " ".join(said)) <= LONGEST_CHATTER else phrase


@cache
def _names() -> tuple[re.Pattern[str], dict[str, tuple[str, ...]]]:
    """What finds the names of classes, the longest first, and by each the names to put there."""
    table: dict[str, tuple[str, ...]] = {}
    for category, others in SYNONYMS.items():
        noun = NOUNS[category]
        for singular, many in zip(noun.names, noun.plurals, strict=True):
            if many != singular:  # of "aircraft" nobody knows how many
                table |= {many: tuple(plural(other) for other in others), singular: others}
    longest = sorted(table, key=lambda name: (-len(name), name))
    return re.compile(r"\b(?:" + "|".join(map(re.escape, longest)) + r")\b"), table
