"""Tiles of a scene x phrases through the model: read ahead in threads, in full batches, answers in the order of the tiles."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rs2sam2.config import ProcessorConfig
from rs2sam2.geo.looking import Look
from rs2sam2.geo.raster import gdal_options, with_gdal_options
from rs2sam2.geo.scene import Picture, UnreadableTileError
from rs2sam2.geo.tiles import Tile
from rs2sam2.processor import probability

if TYPE_CHECKING:
    from rs2sam2.predictor import Segmenter

DEFAULT_TILE = 512
"""Pixels, for a segmenter that does not say what it works at."""


@dataclass(frozen=True)
class Found:
    """What the model said about one phrase in one tile."""

    logits: NDArray[np.float32]  # (h, w), the model's own grid over the tile, or the tile's where that is smaller
    score: float  # presence where it was trained, else the mean foreground probability inside the mask
    present: bool  # whether the score is a trained presence


@dataclass(frozen=True)
class TileAnswer:
    """A tile and what was found in it.

    ``valid`` is where the scene holds data, (H, W) or coarser, None for everywhere; ``found[p]`` is None where phrase p was not
    asked or its score stayed below the least one. ``unreadable`` is the reason why a tile could not be read.
    """

    tile: Tile
    valid: NDArray[np.bool_] | None
    found: tuple[Found | None, ...]
    unreadable: str | None = None

    def probability(self, phrase: int, decision: ProcessorConfig) -> NDArray[np.float32]:
        """(H, W) foreground probability of phrase number ``phrase`` at the tile's size; 0 where nothing was found."""
        found, size = self.found[phrase], (self.tile.height, self.tile.width)
        if found is None:
            return np.zeros(size, np.float32)
        return probability(enlarge(found.logits, size, slice(0, size[0]), slice(0, size[1])), decision)


@dataclass(frozen=True)
class Asked:
    """A tile and the numbers of the phrases to ask about it; without ``read``, not even its pixels are looked at."""

    tile: Tile
    phrases: tuple[int, ...]
    read: bool = True


@dataclass
class _Open:
    """A tile whose answers are coming in."""

    tile: Tile
    valid: NDArray[np.bool_] | None
    found: list[Found | None]
    missing: int
    unreadable: str | None = None


@dataclass
class _Batch:
    images: list[Image.Image] = field(default_factory=list)
    pairs: list[tuple[_Open, int, int]] = field(default_factory=list)  # tile, phrase, image


def working_size(segmenter: Segmenter) -> int:
    """Side of the square view the model works at: one pixel of it is one of the scene where nothing else is asked."""
    return int(getattr(segmenter, "image_size", DEFAULT_TILE))


def answer_tiles(
    look: Look,
    asked: Iterable[Asked],
    phrases: Sequence[str],
    segmenter: Segmenter,
    *,
    min_score: float | Sequence[float] = 0.5,
    framed: Collection[int] = (),
    batch_size: int | None = None,
    workers: int = 2,
    skip_unreadable: bool = False,
    advance: Callable[[int], None] = lambda tiles: None,
) -> Iterator[TileAnswer]:
    """One answer per tile, in order. ``batch_size`` counts pairs of tile and phrase; ``workers`` are threads that read.

    To the phrases of the numbers ``framed``, all that is not looked at is black, so that it cannot be what they mean. A tile
    without data or without a phrase is not shown to the model. ``min_score`` may differ between phrases. ``advance`` is
    called with how many tiles are done, once for those that a batch completes. Raises UnreadableTileError unless
    ``skip_unreadable``.
    """
    least = [min_score] * len(phrases) if isinstance(min_score, int | float) else list(min_score)
    size = batch_size or segmenter.max_batch
    waiting: deque[_Open] = deque()
    batch, done = _Batch(), 0
    for job, picture in _read_ahead(look, asked, workers, 2 * size + workers, skip_unreadable):
        opened = _open(job, look, picture, len(phrases))
        waiting.append(opened)
        if opened.missing:
            assert isinstance(picture, Picture)
            whole = Image.fromarray(picture.pixels)
            inside = look.inside(job.tile, picture.valid.shape) if framed else None
            alone = whole if inside is None else Image.fromarray(blackened(picture.pixels, inside))
            for phrase in sorted(job.phrases, key=lambda p: p in framed):
                image = alone if phrase in framed else whole
                if not batch.images or batch.images[-1] is not image:
                    batch.images.append(image)
                batch.pairs.append((opened, phrase, len(batch.images) - 1))
                if len(batch.pairs) == size:
                    _run(batch, phrases, segmenter, look, least)
                    batch = _Batch()
        ready = list(_finished(waiting))
        if ready:
            done += len(ready)
            advance(done)
        yield from ready
    if batch.pairs:
        _run(batch, phrases, segmenter, look, least)
    ready = list(_finished(waiting))
    advance(done + len(ready))
    yield from ready


def _open(job: Asked, look: Look, picture: Picture | UnreadableTileError | None, phrases: int) -> _Open:
    valid, missing, reason = None, 0, None
    if isinstance(picture, UnreadableTileError):
        valid, reason = np.zeros((1, 1), np.bool_), str(picture)
    elif picture is not None:
        valid = part_of(picture.valid, look.around(job.tile), job.tile)
        valid = None if valid.all() else valid
        missing = len(job.phrases) if valid is None or valid.any() else 0
    return _Open(job.tile, valid, [None] * phrases, missing, reason)


def _finished(waiting: deque[_Open]) -> Iterator[TileAnswer]:
    while waiting and waiting[0].missing == 0:
        first = waiting.popleft()
        yield TileAnswer(first.tile, first.valid, tuple(first.found), first.unreadable)


def _run(batch: _Batch, phrases: Sequence[str], segmenter: Segmenter, look: Look, least: Sequence[float]) -> None:
    pairs = batch.pairs
    out = segmenter(batch.images, [phrases[p] for _, p, _ in pairs], [i for _, _, i in pairs], [None] * len(pairs))
    for row, (opened, phrase, _) in enumerate(pairs):
        logits = out.mask_logits[row, 0].float().numpy()
        score = float(out.presence[row]) if out.presence is not None else fallback_score(logits, segmenter.decision)
        logits = cut(logits, look.around(opened.tile), opened.tile)
        if score >= least[phrase] and (logits > segmenter.decision.threshold).any():
            opened.found[phrase] = Found(_kept(logits, opened.tile), score, out.presence is not None)
        opened.missing -= 1


def _kept(logits: NDArray[np.float32], tile: Tile) -> NDArray[np.float32]:
    """A copy, so that the batch does not stay in memory with it; at the tile's size where the model's grid is finer."""
    if logits.shape[0] > tile.height and logits.shape[1] > tile.width:
        return enlarge(logits, (tile.height, tile.width), slice(0, tile.height), slice(0, tile.width))
    return logits.copy()


def cut(logits: NDArray[np.float32], around: Tile, tile: Tile) -> NDArray[np.float32]:
    """The part of ``around`` that is ``tile``, no finer than the tile's own pixels."""
    if around == tile:
        return logits
    (rows, columns), (height, width) = _centres(logits.shape, around, tile), logits.shape
    return _sample(logits, rows * (height / around.height), columns * (width / around.width))


def part_of(mask: NDArray[np.bool_], around: Tile, tile: Tile) -> NDArray[np.bool_]:
    """The part of ``around``, of which ``mask`` (H, W) is a view, that is ``tile``."""
    if around == tile:
        return mask
    (rows, columns), (height, width) = _centres(mask.shape, around, tile), mask.shape
    at = (rows * (height / around.height)).astype(np.intp), (columns * (width / around.width)).astype(np.intp)
    return np.asarray(mask[np.ix_(*at)])


def _centres(
    shape: tuple[int, ...], around: Tile, tile: Tile
) -> tuple[NDArray[np.floating[Any]], NDArray[np.floating[Any]]]:
    """Where, in pixels of ``around``, the rows and columns of a tile lie on a grid as fine as its view of ``shape``, or pixels."""
    height = min(tile.height, math.ceil(shape[0] * tile.height / around.height))
    width = min(tile.width, math.ceil(shape[1] * tile.width / around.width))
    return (
        tile.row - around.row + (np.arange(height) + 0.5) * (tile.height / height),
        tile.column - around.column + (np.arange(width) + 0.5) * (tile.width / width),
    )


def blackened(pixels: NDArray[np.uint8], inside: NDArray[np.bool_] | None) -> NDArray[np.uint8]:
    """(H, W, 3), black where not ``inside`` (H, W)."""
    return pixels if inside is None else np.where(inside[..., None], pixels, np.uint8(0))


def fallback_score(logits: NDArray[np.float32], decision: ProcessorConfig) -> float:
    """For weights that were not trained to say whether the thing is there: mean probability inside the mask, else 0."""
    mask = logits > decision.threshold
    return float(probability(logits[mask], decision).mean()) if mask.any() else 0.0


def _read_ahead(
    look: Look, asked: Iterable[Asked], workers: int, ahead: int, skip: bool
) -> Iterator[tuple[Asked, Picture | UnreadableTileError | None]]:
    """Tiles with their pictures, in order, at most ``ahead`` of them waiting."""

    options = gdal_options()

    def read(job: Asked) -> Picture | UnreadableTileError | None:
        if not job.read:
            return None
        try:
            with with_gdal_options(options):
                return look.read(job.tile)
        except UnreadableTileError as error:
            if skip:
                return error
            raise

    pool = ThreadPoolExecutor(max(1, workers), thread_name_prefix="read")
    queue: deque[tuple[Asked, Future[Picture | UnreadableTileError | None]]] = deque()
    try:
        for job in asked:
            queue.append((job, pool.submit(read, job)))
            if len(queue) > ahead:
                first, future = queue.popleft()
                yield first, future.result()
        while queue:
            first, future = queue.popleft()
            yield first, future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def enlarge(logits: NDArray[np.float32], size: tuple[int, int], rows: slice, columns: slice) -> NDArray[np.float32]:
    """The ``rows`` and ``columns`` of bilinearly enlarged (or reduced) logits (h, w) -> (H, W) = ``size``.

    torch's `interpolate(mode="bilinear", align_corners=False)`, cut out before it is computed, so that a pixel's value
    does not depend on the piece it is computed with.
    """
    (height, width), (down, across) = logits.shape, (np.arange(part.start, part.stop) + 0.5 for part in (rows, columns))
    return _sample(logits, down * (height / size[0]), across * (width / size[1]))


def _sample(
    logits: NDArray[np.float32], rows: NDArray[np.floating[Any]], columns: NDArray[np.floating[Any]]
) -> NDArray[np.float32]:
    """Logits (h, w) at places, of which whole numbers are the edges between their cells."""
    row0, row1, down = _taps(logits.shape[0], rows)
    column0, column1, across = _taps(logits.shape[1], columns)
    upper, lower = logits[row0], logits[row1]
    lines = upper + (lower - upper) * down[:, None]
    left = lines[:, column0]
    out: NDArray[np.float32] = left + (lines[:, column1] - left) * across
    return out


def _taps(
    length: int, places: NDArray[np.floating[Any]]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    at = np.maximum(places - 0.5, 0)
    first = np.minimum(at.astype(np.intp), length - 1)
    return first, np.minimum(first + 1, length - 1), (at - first).astype(np.float32)
