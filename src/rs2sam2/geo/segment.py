"""`segment_scene`: phrases on a raster of any size, features and files out, in constant memory.

scene -> tiles -> model -> bands of masks -> polygons and writers
            (this thread)    (another thread)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rs2sam2.errors import DataError, UsageError
from rs2sam2.geo.background import consume
from rs2sam2.geo.blending import LEVELS, Gate, blend
from rs2sam2.geo.inference import Asked, TileAnswer, answer_tiles, working_size
from rs2sam2.geo.looking import Look
from rs2sam2.geo.options import SceneOptions
from rs2sam2.geo.polygons import Piece, Polygonizer, simplified
from rs2sam2.geo.raster import gdal_options, with_gdal_options
from rs2sam2.geo.referents import fine_pass
from rs2sam2.geo.result import Feature, PhraseSummary, SceneResult
from rs2sam2.geo.scene import CACHE_MEGABYTES, Scene, view_size
from rs2sam2.geo.scope import Place, Scope, every, find_places, least_share, local_phrase, scope_of
from rs2sam2.geo.stac import outline_of, write_item
from rs2sam2.geo.staging import check_closed, let_go, remove_stale, staging, write_errors
from rs2sam2.geo.tiles import Tile, TileGrid, is_slim
from rs2sam2.geo.writers import check_outputs, writer_for
from rs2sam2.geo.writers.base import About, Writer
from rs2sam2.segmenter import Segmenter, least_score

if TYPE_CHECKING:
    from rs2sam2.predictor import Predictor

DEFAULTS = SceneOptions()
Advance = Callable[[int, int], None]


def segment_scene(
    source: str | Path,
    phrases: str | Sequence[str],
    outputs: str | Path | Sequence[str | Path] = (),
    *,
    predictor: Predictor | None = None,
    options: SceneOptions = DEFAULTS,
    aoi: Any = None,
    aoi_crs: Any = "EPSG:4326",
    stac: bool = False,
    model: str | None = None,
    revision: str = "",
    keep_features: bool = True,
    advance: Advance = lambda done, total: None,
) -> SceneResult:
    """Segment what each phrase refers to in a scene.

    ``source``: anything GDAL opens. ``outputs``: files to write, by suffix .gpkg, .geojson, .parquet, .tif or .png; they
    appear together when all is done, or not at all. ``predictor``: the bundled model by default; ``model`` and
    ``revision`` name it in the files. ``aoi``: a shapely geometry in ``aoi_crs`` or a vector file. ``stac`` adds an item
    beside each output. ``keep_features`` off keeps memory constant where millions are found. ``advance`` is called
    with tiles done and in all. Raises UsageError and DataError.
    """
    import rasterio

    from rs2sam2 import __version__
    from rs2sam2.predictor import Predictor

    texts = (phrases,) if isinstance(phrases, str) else tuple(phrases)
    paths = [Path(outputs)] if isinstance(outputs, str | Path) else [Path(p) for p in outputs]
    check_phrases(texts)
    check_outputs(paths)
    with ExitStack() as stack:
        stack.enter_context(rasterio.Env(GDAL_CACHEMAX=CACHE_MEGABYTES))
        scene = stack.enter_context(
            Scene(source, bands=options.bands, stretch=options.stretch, aoi=aoi, aoi_crs=aoi_crs)
        )
        check_outputs(paths, [*scene.files, *([aoi] if isinstance(aoi, str | Path) else [])])
        check_closed(paths)
        if stac and scene.ground.crs is None:
            raise UsageError(f"a STAC item needs to know where {source} lies, and it has no CRS; georeference it first")
        if stac:
            outline_of(scene.ground, str(source))
        predictor = predictor or Predictor.load()
        for text in texts:
            predictor.segmenter.check(text)
        about = About(
            scene=scene, phrases=texts, model=model or predictor.name, revision=revision, version=__version__,
            time=scene.time, decision=predictor.segmenter.decision, options=options,
        )  # fmt: skip
        staged = stack.enter_context(staging(paths))
        writers: list[Writer] = []
        with write_errors(paths):
            for path, temporary in staged:
                writers.append(writer_for(path.suffix)(temporary, about))
                stack.callback(let_go, writers[-1])
            run = _Run(scene, about, predictor, writers, keep_features)
            run.go(advance)
            result = run.result(tuple(paths))
            if stac:
                items = [write_item(temporary, path, about, result) for path, temporary in staged]
                staged += [(item_path, item) for item_path, item in items]
            check_closed(paths)
            for path, temporary in staged:
                temporary.replace(path)
            for path in paths:
                remove_stale(path, items=stac)
    return result


def check_phrases(phrases: Sequence[str]) -> None:
    """UsageError for no phrase, an empty one, or one that is given twice."""
    if not phrases or not all(p.strip() for p in phrases):
        what = "an empty phrase" if phrases else "no phrase"
        raise UsageError(f"{what} was given; say what to look for, for example -p 'storage tanks'")
    if len(set(phrases)) < len(phrases):
        raise UsageError("a phrase was given twice; give each once")


def _least(options: SceneOptions, segmenter: Segmenter) -> float:
    return least_score(segmenter) if options.min_score is None else options.min_score


class _Run:
    """One pass over one scene."""

    def __init__(
        self, scene: Scene, about: About, predictor: Predictor, writers: list[Writer], keep_features: bool
    ) -> None:
        self.scene, self.about, self.options = scene, about, about.options
        self.segmenter, self.writers = predictor.segmenter, writers
        self.least = _least(self.options, self.segmenter)
        self.look = Look.plan(scene, self.options, working_size(self.segmenter))
        self.grid = TileGrid.cover(scene.size, self.look.tile_size, self.options.overlap)
        self.scopes = self._scopes()
        placed = [p for p, scope in enumerate(self.scopes) if scope == "scene"]
        texts = [about.phrases[p] for p in placed]
        self.unreadable: list[str] = []
        self.places: dict[int, Place | None] = {}
        self.read_all = any(type(w).__name__ == "RasterWriter" for w in writers)  # it shows where there is no data
        if placed:
            side = working_size(self.segmenter)
            skipped = self.unreadable if self.options.skip_unreadable else None
            size = view_size(scene.size, side) if is_slim(scene.size) else tuple(min(side, n) for n in scene.size)
            view = scene.view((size[0], size[1]), skipped)
            frame = Tile(0, 0, *scene.size)
            found = find_places(
                view, lambda size: scene.inside(frame, size), scene.size, texts, self.segmenter, self.least
            )
            self.places = dict(zip(placed, found, strict=True))
            self.read_all = self.read_all or not view.valid.any()  # does it hold data at all?
        self.kept: list[Feature] | None = [] if keep_features else None
        self.counts = [0] * len(about.phrases)
        self.pixels = [0] * len(about.phrases)
        self.areas: list[float] = [0.0] * len(about.phrases)
        self.best = [0.0] * len(about.phrases)
        self.has_data = False
        self.gdal_options = gdal_options()
        self.pixel = scene.ground.pixel_metres() or (1.0, 1.0)

    def go(self, advance: Advance) -> None:
        """Everything, from tiles to finished files."""
        total = len(self.grid)
        advance(0, total)
        self.gates = self._gates()
        answers = self._answers(self._asked(), lambda done: advance(done, total))
        consume(answers, self._write, waiting=4 * (self.options.batch_size or self.segmenter.max_batch))
        if not self.has_data:
            part = " in the area of interest" if self.scene.area is not None else ""
            raise DataError(
                f"{self.scene.source} holds no data{part}: every pixel is nodata, transparent or unreadable; check its nodata "
                "value with gdalinfo"
            )

    def result(self, outputs: tuple[Path, ...]) -> SceneResult:
        """What was found."""
        known = self.scene.ground.metric
        height, width = (max(1.0, side / working_size(self.segmenter)) for side in self.scene.size)
        seen_at = round(max(self.pixel[0] * width, self.pixel[1] * height), 3)
        summaries = tuple(
            PhraseSummary(
                phrase=text,
                scope=self.scopes[p],
                features=self.counts[p],
                pixels=self.pixels[p],
                area_m2=round(self.areas[p], 3) if known else None,
                score=self.best[p],
                seen_at_m=seen_at if known and p in self.places else None,
            )
            for p, text in enumerate(self.about.phrases)
        )
        return SceneResult(
            source=self.scene.source, ground=self.scene.ground, tile_size=self.look.tile_size, tiles=len(self.grid),
            phrases=summaries, outputs=outputs, unreadable=tuple(self.unreadable),
            features=None if self.kept is None else tuple(self.kept),
        )  # fmt: skip

    def _scopes(self) -> list[Scope]:
        """A scene that is one tile is its own frame: there is nothing coarser to look at."""
        return ["tile" if len(self.grid) == 1 else self._scope(text) for text in self.about.phrases]

    def _scope(self, phrase: str) -> Scope:
        return scope_of(phrase) if self.options.scope == "auto" else self.options.scope

    def _gates(self) -> list[Gate | None]:
        """Where each phrase's mask may be: near its place. A fine pass first says which things there are a single one or a few."""
        placed = {p: place for p, place in self.places.items() if place is not None}
        near = [placed[p].gate if p in placed else None for p in range(len(self.scopes))]
        gates: list[Gate | None] = [*near]
        least = {p: share for p in placed if (share := least_share(self.about.phrases[p])) is not None}
        if least:
            few = {p: placed[p] for p in least}
            answers = self._answers(self._asked(few))
            bands = blend(answers, self.grid, self.about.decision, tuple(near), self.scene.inside)
            for p, referents in fine_pass(bands, few, least).items():
                gates[p] = referents.gate
        return gates

    def _answers(
        self, asked: Iterator[Asked], advance: Callable[[int], None] = lambda done: None
    ) -> Iterator[TileAnswer]:
        """What the model says about tiles, phrase by phrase in the words to ask a tile in."""
        classes, phrases = getattr(self.segmenter, "classes", ()), self.about.phrases
        several = len(self.grid) > 1
        texts = [
            local_phrase(t, classes) if p in self.places else every(t, classes) if several else t
            for p, t in enumerate(phrases)
        ]
        return answer_tiles(
            self.look, asked, texts, self.segmenter,
            min_score=[0.0 if p in self.places else self.least for p in range(len(phrases))],
            framed=() if several else [p for p, t in enumerate(phrases) if self._scope(t) == "scene"],
            batch_size=self.options.batch_size, workers=self.options.workers,
            skip_unreadable=self.options.skip_unreadable, advance=advance,
        )  # fmt: skip

    def _asked(self, few: Collection[int] | None = None) -> Iterator[Asked]:
        """Each tile with the phrases that have something to find there; ``few``: only these, and only tiles that have any."""
        for row in self.grid.rows():
            for tile in row:
                if not self.scene.touches(tile):
                    yield Asked(tile, (), read=False)
                    continue
                among = range(len(self.scopes)) if few is None else few
                numbers = tuple(p for p in among if self._wanted(p, tile))
                yield Asked(tile, numbers, read=bool(numbers) or (self.read_all and few is None))

    def _wanted(self, phrase: int, tile: Tile) -> bool:
        if phrase not in self.places:
            return True
        place = self.places[phrase]
        return place is not None and place.meets(tile)

    def _write(self, answers: Iterator[TileAnswer]) -> None:
        """Bands to polygons and writers, in the other thread."""
        polygonizers = [Polygonizer(self.scene.size[1]) for _ in self.scopes]
        with with_gdal_options(self.gdal_options):
            bands = blend(self._watched(answers), self.grid, self.about.decision, tuple(self.gates), self.scene.inside)
            for band in bands:
                self.has_data = self.has_data or bool(band.valid.any())
                for writer in self.writers:
                    writer.band(band)
                for p, polygonizer in enumerate(polygonizers):
                    self._hand_on(p, list(polygonizer.add(band.masks[p], band.scores[p])))
            for p, polygonizer in enumerate(polygonizers):
                self._hand_on(p, list(polygonizer.finish()))
            if self.has_data:
                for writer in self.writers:
                    writer.finish()

    def _watched(self, answers: Iterator[TileAnswer]) -> Iterator[TileAnswer]:
        for answer in answers:
            if answer.unreadable is not None:
                self.unreadable.append(answer.unreadable)
            yield answer

    def _hand_on(self, phrase: int, pieces: list[Piece]) -> None:
        """Pieces of a mask, as features, to the writers and the summary."""
        if not pieces:
            return
        outlines = [p.polygon for p in pieces]
        if self.options.simplify:
            outlines = simplified(outlines, self.options.simplify, self.pixel)
        areas = self.scene.ground.areas(outlines)
        place = self.places.get(phrase)
        features = []
        for i, piece in enumerate(pieces):
            area = None if areas is None or not math.isfinite(areas[i]) else round(float(areas[i]), 4)
            if outlines[i].is_empty or (area if area is not None else outlines[i].area) < self.options.min_area:
                continue
            score = piece.mean / LEVELS if place is None else place.score
            features.append(Feature(self.about.phrases[phrase], outlines[i], piece.pixels, round(score, 4), area))
        for writer in self.writers:
            writer.features(phrase, features)
        self.counts[phrase] += len(features)
        self.pixels[phrase] += sum(f.pixels for f in features)
        self.areas[phrase] += sum(f.area_m2 or 0.0 for f in features)
        self.best[phrase] = max([self.best[phrase], *(f.score for f in features)])
        if self.kept is not None:
            self.kept += features


def iter_tiles(scene: Scene, tile_size: int, overlap: float = DEFAULTS.overlap) -> Iterator[Tile]:
    """The tiles `segment_scene` would look at, in order; `scene.read(tile)` gives a tile's pixels."""
    for row in TileGrid.cover(scene.size, tile_size, overlap).rows():
        yield from (tile for tile in row if scene.touches(tile))


def predict_tiles(
    scene: Scene, phrases: str | Sequence[str], predictor: Predictor, options: SceneOptions = DEFAULTS
) -> Iterator[TileAnswer]:
    """What the model says about each tile, before tiles are blended: `answer.probability(phrase_number, decision)`."""
    phrases = (phrases,) if isinstance(phrases, str) else tuple(phrases)
    for text in phrases:
        predictor.segmenter.check(text)
    look = Look.plan(scene, options, working_size(predictor.segmenter))
    asked = (Asked(tile, tuple(range(len(phrases)))) for tile in iter_tiles(scene, look.tile_size, options.overlap))
    return answer_tiles(
        look, asked, phrases, predictor.segmenter, min_score=_least(options, predictor.segmenter),
        batch_size=options.batch_size, workers=options.workers, skip_unreadable=options.skip_unreadable,
    )  # fmt: skip
