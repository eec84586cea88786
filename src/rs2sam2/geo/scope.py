"""What a phrase's words are about: each tile, or the scene as a whole.

"left", "largest", "the second from the top" depend on the frame; "storage tank", "white", "the ship beside the pier"
do not. With scope `tile` each tile answers for itself. With scope `scene` one coarse look at the whole frame picks the
place, and a fine pass segments there what the phrase names, without the words that would mean something else in a tile.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rs2sam2.data.language.lexicon import RANKS, noun_of
from rs2sam2.data.language.parser import PhraseError, overhear
from rs2sam2.data.language.places import ENDS, MIDDLES, THE_PICTURE, either
from rs2sam2.data.language.plain import plain
from rs2sam2.data.language.program import Color, Extreme, Position, Relation, Selection, Shape, Size, is_ranking
from rs2sam2.geo.inference import blackened, cut, enlarge, fallback_score
from rs2sam2.geo.polygons import Polygonizer
from rs2sam2.geo.tiles import Tile, is_slim
from rs2sam2.processor import probability

if TYPE_CHECKING:
    from shapely import Polygon

    from rs2sam2.geo.scene import Picture
    from rs2sam2.predictor import Segmenter

Scope = Literal["tile", "scene"]
ScopeOption = Literal["auto", "tile", "scene"]

MARGIN = 0.02
"""Share of the frame's longer side around what the coarse look found, in which the fine pass may correct it."""
SPECK = 0.1
"""A piece with less than this share of the marked pixels of the largest one beside it is no part of the thing."""
_DETERMINERS = ("a", "an", "the", "this", "that", "one", "each", "every")
_FRAME_WORDS = re.compile(
    r"\b(?:\w+most|largest|biggest|smallest|longest|shortest|tallest|widest|narrowest|brightest|darkest"
    rf"|{either((*RANKS, 'last', *ENDS, *MIDDLES, 'corner'))}|(?:north|south)?(?:ea|we)stern|northern|southern"
    r"|highest|lowest|nearest|closest|farthest|furthest)\b"
    r"|\b(?:smaller|larger|bigger|longer|shorter|taller|wider|narrower|brighter|darker)\b(?!\s+than\b)"
    rf"|\b(?:on|at|to|in)\s+the\s+(?:far\s+)?(?:left|right|(?:north|south)(?:-?(?:ea|we)st)?|east|west)\b(?!\s+(?:side\s+)?of\s+(?!{THE_PICTURE}))"
    r"|^(?:the\s+)?(?:left|right)\b",
    re.IGNORECASE,
)


def scope_of(phrase: str) -> Scope:
    """`scene` where the phrase has a word whose meaning depends on the frame, else `tile`.

    Such are positions in the frame, superlatives, ranks, counts ("the two airplanes") and the one that is nearest to
    something; other relations ("left of the pier"), colours, shapes and sizes for their kind ("large") are not.
    """
    try:
        selection = overhear(plain(phrase))
    except PhraseError:
        return "scene" if _FRAME_WORDS.search(phrase) else "tile"
    framed = any(isinstance(c, Position | Extreme) for c in selection.walk()) or isinstance(selection.quantity, int)
    nearest = any(isinstance(c, Relation) and c.word == "closest to" for c in selection.where)
    return "scene" if framed or (nearest and selection.quantity == "one") else "tile"


def local_phrase(phrase: str, classes: tuple[str, ...] = ()) -> str:
    """What to ask a tile about a thing that the whole scene has already placed: "the leftmost white ship" -> "all white ships".

    A phrase that the parser does not understand is asked as it is. `classes`: of a model that hears plain words.
    """
    try:
        selection = overhear(plain(phrase, classes) if classes else phrase, classes)
    except PhraseError:
        return phrase
    return _all_of(selection)


def every(phrase: str, classes: tuple[str, ...] = ()) -> str:
    """What to ask each of several tiles for a kind of thing: "white airplane" -> "all white airplanes".

    Without an article a noun names the kind, not the one thing that a tile would answer with. Other phrases stay.
    """
    said = plain(phrase, classes)
    try:
        selection = overhear(said, classes)
    except PhraseError:
        return phrase
    bare = selection.quantity == "one" and said.split()[0].lower() not in _DETERMINERS
    kind = all(isinstance(c, Color | Size | Shape) for c in selection.where)
    return _all_of(selection, sized=True) if bare and kind else phrase


def least_share(phrase: str) -> float | None:
    """How large a piece must be to be meant, too, beside the largest one that the coarse look marked: a share of it.

    1 where one of comparable things is meant ("the leftmost ship"): no other is. Of any other single thing, what is no
    speck may be a part ("the road on the left", under trees). 0 where a number of things is meant; None where any number is,
    or the parser does not know.
    """
    try:
        selection = overhear(plain(phrase))
    except PhraseError:
        return None
    if selection.quantity != "one":
        return 0.0 if isinstance(selection.quantity, int) else None
    return 1.0 if any(is_ranking(c) for c in selection.where) else SPECK


def _all_of(selection: Selection, sized: bool = False) -> str:
    sizes = [c.word for c in selection.where if sized and isinstance(c, Size)]
    colors = [" and ".join(c.names) for c in selection.where if isinstance(c, Color)]
    shapes = [c.word for c in selection.where if isinstance(c, Shape)]
    return " ".join(["all", *sizes, *colors, *shapes, noun_of(selection.category).plurals[0]])


@dataclass(frozen=True)
class Place:
    """Where a coarse look at a frame found a referent: ``marked`` (h, w) on a coarse grid over the frame, and its score.

    ``allowed`` is the same with a margin around it.
    """

    size: tuple[int, int]
    marked: NDArray[np.bool_]
    allowed: NDArray[np.bool_]
    score: float

    def parts(self) -> list[Polygon]:
        """The connected pieces of what is marked, in pixels of the frame (column, row)."""
        import shapely

        rows, columns = self.marked.shape
        polygonizer = Polygonizer(columns)
        pieces = [*polygonizer.add(self.marked, np.zeros(self.marked.shape, np.uint8)), *polygonizer.finish()]
        ratio = np.array([self.size[1] / columns, self.size[0] / rows])
        return list(shapely.transform([p.polygon for p in pieces], lambda xy: xy * ratio))

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
    view: Picture,
    inside: Callable[[tuple[int, int]], NDArray[np.bool_] | None],
    size: tuple[int, int],
    phrases: Sequence[str],
    segmenter: Segmenter,
    min_score: float,
) -> list[Place | None]:
    """Where each phrase's referent is in a frame of ``size`` (height, width), by one coarse ``view`` of all of it.

    ``inside`` says on any grid over the frame what is looked at (None: all). The rest is black: the leftmost thing of an
    area of interest is not the leftmost of its frame. A place is None where the referent is not there (or cannot be seen
    so small).
    """
    frame = around = Tile(0, 0, *view.valid.shape)
    shown = blackened(view.pixels, inside(view.valid.shape))
    if is_slim(size):
        side = max(frame.height, frame.width)
        top, left = (side - frame.height) // 2, (side - frame.width) // 2
        around = Tile(-top, -left, side, side)
        shown = np.pad(shown, ((top, side - frame.height - top), (left, side - frame.width - left), (0, 0)))
    image = Image.fromarray(shown)
    places: list[Place | None] = []
    for phrase in phrases:
        out = segmenter([image], [phrase], [0], [None])
        logits = cut(out.mask_logits[0, 0].float().numpy(), around, frame)
        score = float(out.presence[0]) if out.presence is not None else fallback_score(logits, segmenter.decision)
        grid = (min(size[0], logits.shape[0]), min(size[1], logits.shape[1]))
        chance = probability(enlarge(logits, grid, slice(0, grid[0]), slice(0, grid[1])), segmenter.decision)
        mask = chance > 0.5
        if (area := inside(grid)) is not None:
            mask &= area
        if score < min_score or not mask.any():
            places.append(None)
            continue
        places.append(Place(size, mask, _grow(mask, max(1, round(MARGIN * max(grid)))), score))
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
