"""Answers of overlapping tiles -> bands of rows from the top of the frame to its bottom, in constant memory.

Only the model's small logits are kept, and only those of the two rows of tiles that a band lies in; pixels are made
band by band. A pixel is the weighted mean of the probabilities of the tiles that found something there; a tile that
found nothing has no say, so an object is not cut where it reaches into a tile that was left empty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from rs2sam2.config import ProcessorConfig
from rs2sam2.geo.inference import TileAnswer, enlarge
from rs2sam2.geo.tiles import Tile, TileGrid
from rs2sam2.processor import probability

BAND_PIXELS = 1 << 20
"""A band has about so many pixels, whatever the width of the scene."""
LEVELS = 250
"""Probabilities and scores are handed on as whole numbers 0 ... 250; the mask is decided before they are rounded."""

Gate = Callable[[Tile], NDArray[np.bool_] | None]
"""Where in a piece of the frame a phrase's mask may be, (H, W); None for everywhere."""


@dataclass(frozen=True)
class Band:
    """All columns of the rows ``tile.row`` ... ``tile.bottom`` - 1 of a frame."""

    tile: Tile
    valid: NDArray[np.bool_]  # (H, W): where the scene holds data and is looked at
    masks: tuple[NDArray[np.bool_], ...]  # one (H, W) a phrase
    probabilities: tuple[NDArray[np.uint8], ...]  # one (H, W) a phrase, in LEVELS
    scores: tuple[NDArray[np.uint8], ...]  # one (H, W) a phrase, in LEVELS


def blend(
    answers: Iterable[TileAnswer],
    grid: TileGrid,
    decision: ProcessorConfig,
    gates: tuple[Gate | None, ...],
    inside: Gate,
) -> Iterator[Band]:
    """Bands from the answers of every tile of ``grid``, row by row.

    ``gates`` has one entry a phrase; ``inside`` is the area of interest. Scores are presence where it was trained, else
    the probability itself.
    """
    height, width = grid.size
    rows_of_band = max(16, BAND_PIXELS // width)
    held: list[TileAnswer] = []
    top = 0
    starts = [*grid.row_starts[1:], height]
    for end, (_, group) in zip(starts, groupby(answers, key=lambda a: a.tile.row), strict=True):
        held = [a for a in held if a.tile.bottom > top]
        held += list(group)
        for row in range(top, end, rows_of_band):
            piece = Tile(row, 0, min(rows_of_band, end - row), width)
            yield _band(piece, [a for a in held if a.tile.meets(piece)], grid, decision, gates, inside)
        top = end


def _band(
    piece: Tile,
    answers: list[TileAnswer],
    grid: TileGrid,
    decision: ProcessorConfig,
    gates: tuple[Gate | None, ...],
    inside: Gate,
) -> Band:
    shape = (piece.height, piece.width)
    valid = np.ones(shape, np.bool_)
    for answer in answers:
        if answer.valid is not None:
            here, there = _overlap(piece, answer.tile)
            valid[here] &= _at(answer.valid, answer.tile, there)
    area = inside(piece)
    if area is not None:
        valid &= area
    masks, probabilities, scores = [], [], []
    for p, gate in enumerate(gates):
        mask, chance, score = _blend_phrase(p, piece, answers, grid, decision)
        allowed = valid if gate is None or not mask.any() else _both(valid, gate(piece))
        mask &= allowed
        chance[~allowed] = 0
        masks.append(mask)
        probabilities.append(chance)
        scores.append(score)
    return Band(piece, valid, tuple(masks), tuple(probabilities), tuple(scores))


def _blend_phrase(
    p: int, piece: Tile, answers: list[TileAnswer], grid: TileGrid, decision: ProcessorConfig
) -> tuple[NDArray[np.bool_], NDArray[np.uint8], NDArray[np.uint8]]:
    """Mask, probability and score of one phrase in a piece of the frame."""
    shape = (piece.height, piece.width)
    found = [(a.tile, f) for a in answers if (f := a.found[p]) is not None]
    if not found:
        return np.zeros(shape, np.bool_), np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    margin, total = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    score = np.zeros(shape, np.float32) if found[0][1].present else None
    for tile, answer in found:
        here, (rows, columns) = _overlap(piece, tile)
        down, across = grid.weights(tile)
        weight = down[rows, None] * across[None, columns]
        chance = probability(enlarge(answer.logits, (tile.height, tile.width), rows, columns), decision)
        margin[here] += weight * (chance - np.float32(0.5))
        total[here] += weight
        if score is not None:
            score[here] += weight * np.float32(answer.score)
    mask = margin > 0  # exactly probability > 0.5: with one tile the weight changes no sign
    seen = total > 0
    np.divide(margin, total, out=margin, where=seen)
    chance = np.where(seen, margin + np.float32(0.5), np.float32(0))
    levels = np.rint(chance * LEVELS).astype(np.uint8)
    if score is None:
        return mask, levels, levels
    np.divide(score, total, out=score, where=seen)
    return mask, levels, np.rint(score * LEVELS).astype(np.uint8)


def _at(valid: NDArray[np.bool_], tile: Tile, part: tuple[slice, slice]) -> NDArray[np.bool_]:
    """A part of a tile's validity, which may be coarser than the tile."""
    if valid.shape == (tile.height, tile.width):
        return valid[part]
    rows = np.arange(part[0].start, part[0].stop) * valid.shape[0] // tile.height
    columns = np.arange(part[1].start, part[1].stop) * valid.shape[1] // tile.width
    return np.asarray(valid[np.ix_(rows, columns)])


def _both(a: NDArray[np.bool_], b: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    return a if b is None else a & b


def _overlap(piece: Tile, tile: Tile) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """The common part of two tiles, in the first one's pixels and in the second one's."""
    top, bottom = max(piece.row, tile.row), min(piece.bottom, tile.bottom)
    left, right = max(piece.column, tile.column), min(piece.right, tile.right)
    return (
        (slice(top - piece.row, bottom - piece.row), slice(left - piece.column, right - piece.column)),
        (slice(top - tile.row, bottom - tile.row), slice(left - tile.column, right - tile.column)),
    )
