"""Runs of words that say where in the picture something is, and how `plain` says each."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from rs2sam2.data.language.places import ENDS, SIDES
from rs2sam2.data.language.tokens import Words

NEAREST = ("furthest", "farthest", "closest", "nearest")
GOING = ("going", "driving", "running", "heading", "moving")
TYING = {
    "beneath": "below", "underneath": "below", "under": "below",
    "adjacent to": "next to", "alongside": "next to", "near": "next to", "near to": "next to", "by": "next to",
    "directly above": "above", "directly below": "below", "directly next to": "next to", "directly adjacent to": "next to",
    "enclosed by": "inside",
}  # fmt: skip
"""What ties a thing to another, which is then named, and how it is said."""
_AS_IT_IS = (
    "next to", "close to", "a little bigger", "a little larger", "a little smaller", "closest to the center",
    "closest to the middle", "nearest to the center", "nearest to the middle", "on the left", "on the right",
    "a little bit", "a little to", "a little above", "a little below", "little by little",
)  # fmt: skip
"""Parts of these would be exchanged."""
_TOWARD = ("at", "to", "near", "toward", "towards", "on", "in")
_BY = ("by", "near", "near to", "close to", "close by", "next to", "adjacent to", "beside", "alongside", "along")
_RIMS = ("", " edge", " side", " hand side", " border", " boundary", " margin", " part", " end")
_PARTS = ("", " side", " hand side", " edge", " half", " part", " border")
_JUST = ("directly", "immediately", "just", "slightly", "a little", "a little bit", "a bit")


@cache
def places() -> dict[Words, Words]:
    """Runs of words that say where in the picture something is, in plain words."""
    found = {"in the middle", "in the center", "near the top", "near the bottom"}
    for side in SIDES:
        found |= {f"on the {side}", f"on the {side} side", f"on the far {side}"}
        found |= {f"{at} the {end} {side}{p}" for at in ("in", "on") for end in ENDS for p in ("", " corner", " part")}
    for end in ENDS:
        found |= {f"at the {end}", f"on the {end}", f"in the {end} part", f"at the very {end}"}
    return {tuple(f"{place}{of}".split()): () for place in found for of in ("", " of the image")}


@cache
def by_the_rim() -> dict[Words, Words]:
    """Runs such as "close to the left edge", which are places where no thing follows, and what of each ties a thing."""
    return {tuple(run.split()): tuple(tie.split()) for run, _, tie in _by_the_rim()}


def _by_the_rim() -> Iterator[tuple[str, str, str]]:
    """A run, what it is in plain words, and its tie."""
    for tie in _BY:
        for of in ("", " of the image"):
            for side in SIDES:
                yield from ((f"{tie} the {side}{rim}{of}", f"on the {side}{of}", tie) for rim in _RIMS)
            for end in ENDS:
                place = "near the top" if end in ("top", "upper") else "near the bottom"
                # "near the top" is plain already
                rims = [rim for rim in _RIMS if rim or (tie, end) not in (("near", "top"), ("near", "bottom"))]
                yield from ((f"{tie} the {end}{rim}{of}", place + of, tie) for rim in rims)
                for side in SIDES:
                    rims = [" corner", *_RIMS]
                    yield from (
                        (f"{tie} the {end} {side}{rim}{of}", f"in the {end} {side} corner{of}", tie) for rim in rims
                    )


def where() -> dict[str, str]:
    """Runs of words, and what is said for them; what must be left alone stands for itself."""
    table = {run: run for run in _AS_IT_IS} | {run: place for run, place, _ in _by_the_rim()}
    table |= {f"a little bit {size}": f"a little {size}" for size in ("smaller", "bigger", "larger")}
    for side in SIDES:
        for at in _TOWARD:
            table |= {
                f"{at} the {side}{part}": f"on the {side}" for part in ("", " hand side", " edge", " half", " border")
            }
            table |= {f"{at} the {side} {part}": f"on the {side} side" for part in ("side", "part")}
            table |= {f"{at} the {side}{part} of": f"to the {side} of" for part in (" side", " hand side")}
            table |= {f"{at} the {side}{part} of": f"{at} the {side}{part} of" for part in (" edge", " half", " part")}
            table |= {f"{at} the {side}{part} of the image": f"on the {side} side of the image" for part in _PARTS}
            for end in ENDS:
                corner = f"the {end} {side}"
                table |= {f"{at} {corner}{part}": f"in {corner}{part}" for part in ("", " corner", " part")}
                table |= {f"{at} {corner} {part}": f"in {corner} part" for part in ("side", "area")}
                table |= {
                    f"{at} {corner} {part} of the image": f"in {corner} part of the image" for part in ("side", "area")
                }
                table |= {
                    f"{at} {corner} side of": f"to {corner} of",
                    f"{at} {corner} area of": f"{at} {corner} area of",
                }
        table[f"near the {side} of"] = f"on the {side} of"
        table |= {f"{how} to the {side} of": f"to the {side} of" for how in _JUST}
        as_it_is = [f"{how} to the {side}" for how in (*NEAREST, *GOING)]
        as_it_is += [f"{how} {to} the {side}" for how in GOING for to in ("toward", "towards")]
        as_it_is += [f"from the {other} to the {side}{of}" for other in SIDES for of in ("", " of")]
        as_it_is += [f"{at} the {side} of" for at in ("to", "on")] + [f"on the {side} of the image"]
        as_it_is += [f"{at} the {end} {side} of" for at in ("to", "on") for end in ENDS]
        as_it_is += [f"on the {end} {side}" for end in ENDS]
        table |= {run: run for run in as_it_is}
        for end in ENDS:
            table |= {f"{at} the {end} {side} of the image": f"in the {end} {side} of the image" for at in _TOWARD}
    for side in (*SIDES, "top", "bottom", "upper", "lower"):
        table[f"{side} most"] = f"{side}most"  # "the left-most ship"
    for side, other in (("left", "right"), ("right", "left"), ("top", "bottom"), ("bottom", "top")):
        table |= {f"from {side}": f"from the {side}", f"from {side} to {other}": f"from {side} to {other}"}
    for end in ("top", "bottom"):
        table |= {f"{at} the {end}": f"at the {end}" for at in ("to", "toward", "towards")}
        table |= {run: run for run in (f"near the {end}", "from the top to the bottom", "from the bottom to the top")}
    table |= {run: run for end in ENDS for run in (f"{how} to the {end}" for how in NEAREST)}
    for at in ("in", "at", "near", "toward", "towards", "around"):
        table |= {f"{at} the {name}": "in the center" for name in ("center", "centre", "central part", "very center")}
        table |= {f"{at} the {name}": "in the middle" for name in ("middle", "middle part")}
    return table
