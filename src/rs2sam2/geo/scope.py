"""What a phrase's words are about: each tile, or the scene as a whole.

"left", "largest", "the second from the top" depend on the frame; "storage tank", "white", "the ship beside the pier"
do not. With scope `tile` each tile answers for itself. With scope `scene` one coarse look at the whole frame picks the
place, and a fine pass segments there what the phrase names, without the words that would mean something else in a tile.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rs2sam2.data.language.lexicon import noun_of
from rs2sam2.data.language.parser import PhraseError, overhear
from rs2sam2.data.language.plain import plain
from rs2sam2.data.language.program import Color, Extreme, Position, Shape
from rs2sam2.geo.inference import enlarge, fallback_score
from rs2sam2.geo.tiles import Tile
from rs2sam2.processor import probability

if TYPE_CHECKING:
    from rs2sam2.geo.scene import Picture
    from rs2sam2.predictor import Segmenter

Scope = Literal["tile", "scene"]
ScopeOption = Literal["auto", "tile", "scene"]

MARGIN = 0.02
"""Share of the frame's longer side around what the coarse look found, in which the fine pass may correct it."""
_FRAME_WORDS = re.compile(
    r"\b(?:\w+most|largest|biggest|smallest|longest|shortest|tallest|widest|narrowest|brightest|darkest|first|second|third"
    r"|fourth|fifth|last|upper|lower|top|bottom|middle|cent(?:er|re)|corner|northern|southern|eastern|western)\b"
    r"|\b(?:on|at|to|in)\s+the\s+(?:far\s+)?(?:left|right|north|south|east|west)\b(?!\s+(?:side\s+)?of\s+(?!the\s+(?:image|scene|picture|map)\b))"
    r"|^(?:the\s+)?(?:left|right)\b",
    re.IGNORECASE,
)


def scope_of(phrase: str) -> Scope:
    """`scene` where the phrase has a word whose meaning depends on the frame, else `tile`.

    Such are positions in the frame, superlatives, ranks and counts ("the two airplanes"); relations ("left of the pier"),
    colours, shapes and sizes for their kind ("large") are not.
    """
    try:
        selection = overhear(plain(phrase))
    except PhraseError:
        return "scene" if _FRAME_WORDS.search(phrase) else "tile"
    framed = any(isinstance(c, Position | Extreme) for c in selection.walk()) or isinstance(selection.quantity, int)
    return "scene" if framed else "tile"


def local_phrase(phrase: str, classes: tuple[str, ...] = ()) -> str:
    """What to ask a tile about a thing that the whole scene has already placed: "the leftmost white ship" -> "all white ships".

    A phrase that the parser does not understand is asked as it is. `classes`: of a model that hears plain words.
    """
    try:
        selection = overhear(plain(phrase, classes) if classes else phrase, classes)
    except PhraseError:
        return phrase
    colors = [" and ".join(c.names) for c in selection.where if isinstance(c, Color)]
    shapes = [c.word for c in selection.where if isinstance(c, Shape)]
    return " ".join(["all", *colors, *shapes, noun_of(selection.category).plurals[0]])


@dataclass(frozen=True)
class Place:
    """Where a coarse look at a frame found a referent: ``allowed`` (h, w) on a coarse grid over the frame, and its score."""

    size: tuple[int, int]
    allowed: NDArray[np.bool_]
    score: float

    def gate(self, piece: Tile) -> NDArray[np.bool_]:
        """(H, W) of a piece of the frame: where the referent may be."""
        rows = (np.arange(piece.row, piece.bottom) + 0.5) * (self.allowed.shape[0] / self.size[0])
        columns = (np.arange(piece.column, piece.right) + 0.5) * (self.allowed.shape[1] / self.size[1])
        return np.asarray(self.allowed[np.ix_(rows.astype(np.intp), columns.astype(np.intp))])

    def meets(self, tile: Tile) -> bool:
        """Whether the referent may be in a tile."""
        ratio = self.allowed.shape[0] / self.size[0], self.allowed.shape[1] / self.size[1]
        rows = slice(int(tile.row * ratio[0]), int(np.ceil(tile.bottom * ratio[0])))
        columns = slice(int(tile.column * ratio[1]), int(np.ceil(tile.right * ratio[1])))
        return bool(self.allowed[rows, columns].any())


def find_places(
    view: Picture, size: tuple[int, int], phrases: Sequence[str], segmenter: Segmenter, min_score: float
) -> list[Place | None]:
    """Where each phrase's referent is in a frame of ``size`` (height, width), by one coarse ``view`` of all of it.

    None where it is not there (or cannot be seen so small).
    """
    image = Image.fromarray(view.pixels)
    places: list[Place | None] = []
    for phrase in phrases:
        out = segmenter([image], [phrase], [0], [None])
        logits = out.mask_logits[0, 0].float().numpy()
        score = float(out.presence[0]) if out.presence is not None else fallback_score(logits, segmenter.decision)
        grid = (min(size[0], logits.shape[0]), min(size[1], logits.shape[1]))
        chance = probability(enlarge(logits, grid, slice(0, grid[0]), slice(0, grid[1])), segmenter.decision)
        mask = chance > 0.5
        if score < min_score or not mask.any():
            places.append(None)
            continue
        places.append(Place(size, _grow(mask, max(1, round(MARGIN * max(grid)))), score))
    return places


def _grow(mask: NDArray[np.bool_], by: int) -> NDArray[np.bool_]:
    """Widened by ``by`` cells to all sides and corners."""
    out = mask.copy()
    for axis in (0, 1):
        wide = out.copy()
        for step in range(1, by + 1):
            ahead, behind = [slice(None)] * 2, [slice(None)] * 2
            ahead[axis], behind[axis] = slice(step, None), slice(None, -step)
            wide[tuple(ahead)] |= out[tuple(behind)]
            wide[tuple(behind)] |= out[tuple(ahead)]
        out = wide
    return out
