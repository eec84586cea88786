"""Where training views come from: folders of labelled imagery, each a pool with a weight."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from importlib.resources import files
from pathlib import Path
from random import Random
from typing import Protocol, TypeVar

from rs2sam2.data.builder.annotated import AnnotatedImage
from rs2sam2.data.builder.coco import read_coco
from rs2sam2.data.builder.index_masks import read_index_masks
from rs2sam2.data.language.lexicon import KINDS_OF, canonical
from rs2sam2.errors import DataError, UsageError
from rs2sam2.train.objects.beside import denied_by
from rs2sam2.train.objects.mosaic import MosaicPool, mosaic_pool
from rs2sam2.train.objects.options import PoolOptions
from rs2sam2.train.objects.pasted import pasted_pool
from rs2sam2.train.objects.sources import Record, Source, record_of

T = TypeVar("T")


class Pool(Protocol):
    """Gives sources to look at."""

    @property
    def name(self) -> str:
        """As the recipe calls it."""
        ...

    @property
    def weight(self) -> float:
        """How often it is drawn from, against others."""
        ...

    @property
    def zoom(self) -> float:
        """How often a view of it closes in on an object."""
        ...

    def __len__(self) -> int:
        """Images."""
        ...

    def draw(self, random: Random) -> Source:
        """One of its sources."""
        ...

    def classes(self) -> set[str]:
        """Canonical classes of what is annotated."""
        ...

    def shown(self) -> set[str]:
        """Canonical classes of all that its images are known to show, also where nobody knows where."""
        ...

    def contents(self) -> Iterator[tuple[str, ...]]:
        """What identifies each image and its annotation."""
        ...


@dataclass(frozen=True)
class ImagePool:
    """Annotated images."""

    name: str
    records: tuple[Record, ...]
    weight: float
    zoom: float = 0.5

    def __len__(self) -> int:
        return len(self.records)

    def draw(self, random: Random) -> Source:
        """Any of them alike. Raises DataError where its file cannot be read."""
        return random.choice(self.records).read()

    def parted(self, share: float) -> tuple[ImagePool, ImagePool]:
        """The last `share` of the images apart: neighbours in a folder often show one place, and so stay together."""
        count = len(self.records) - round(share * len(self.records))
        return replace(self, records=self.records[:count]), replace(self, records=self.records[count:])

    def classes(self) -> set[str]:
        """Of all objects."""
        return {canonical(o.category) for record in self.records for o in record.layout.objects}

    def shown(self) -> set[str]:
        """What is annotated."""
        return self.classes()

    def contents(self) -> Iterator[tuple[str, ...]]:
        """Name, size and layout."""
        for record in self.records:
            yield record.image.name, str(record.size), repr(record.layout)


def open_parted(
    root: Path,
    options: Mapping[str, PoolOptions | None],
    share: float,
    beside: Mapping[str, frozenset[str]] | None = None,
) -> tuple[list[Pool], list[Pool]]:
    """The pools of a recipe to train on, and a share of each that is held out. Pools that are None are left out.

    `beside`: what can be denied of a picture for what it shows, see `never_beside`. What is pasted is cut out of images to
    train on alone. Raises UsageError where a pool's files are not there (see `check_there`), a pattern of what to exclude
    fits nothing, or all is held out; DataError where files are not as they must be.
    """
    check_there(root, options)
    wanted = {name: pool for name, pool in options.items() if pool is not None}
    unlike = beside or {}
    parted = [_open(root, name, pool, unlike).parted(share) for name, pool in wanted.items() if pool.kind != "pasted"]
    kept: list[Pool] = [pool for pool, _ in parted if len(pool)]
    if parted and not kept:
        raise UsageError(
            f"recipe: data.calibration.share {share} holds out every image of every pool; choose a lower share, or 0"
        )
    records = [record for pool in kept if isinstance(pool, ImagePool) for record in pool.records if record.counted]
    kept += [pasted_pool(name, pool, root, records) for name, pool in wanted.items() if pool.kind == "pasted"]
    return kept, [pool for _, pool in parted if len(pool)]


def check_there(root: Path, options: Mapping[str, PoolOptions | None], layouts: str | None = None) -> None:
    """Raise UsageError where files of pools, or the `layouts`, are not there: all are named at once, before any is read."""
    missing: dict[str, tuple[str, Path]] = {}
    if layouts is not None and not (root / layouts).exists():
        missing["layouts"] = "layouts", root / layouts
    for name, pool in options.items():
        if pool is not None and (path := _missing(root, pool)) is not None:
            missing[f"pools.{name}"] = f"pool {name}", path
    if missing:
        listed = ", ".join(f"{what}: no {path}" for what, path in missing.values())
        without = " ".join(f"--data.{key}=null" for key in missing)
        raise UsageError(f"recipe: {listed}; put the data there (--data.root=DIR), or leave it out with {without}")


def _missing(root: Path, pool: PoolOptions) -> Path | None:
    return next((path for name in pool.paths() if not (path := _at(root, name)).exists()), None)


def _at(root: Path, name: str) -> Path:
    """Where a file of a recipe lies: below `root`, or, by its bare name, beside the recipes of the package."""
    packaged = Path(str(files("rs2sam2"))) / "recipes" / Path(name).name
    return packaged if Path(name).name == name and packaged.is_file() and not (root / name).exists() else root / name


def _open(root: Path, name: str, pool: PoolOptions, beside: Mapping[str, frozenset[str]]) -> ImagePool | MosaicPool:
    def at(path: str | None) -> Path:
        assert path is not None  # PoolOptions has checked what its kind needs
        return _at(root, path)

    if pool.kind == "mosaic":
        labels = at(pool.labels)
        outlined = [image for path in pool.also for image in read_coco(at(path), labels.parent, "train")]
        mosaic = mosaic_pool(name, labels, pool.weight, pool.zoom, beside, outlined)
        kept = _without(name, pool, mosaic.pictures, [path.name for _, path in mosaic.pictures])
        return replace(mosaic, pictures=kept)
    if pool.kind == "coco":
        images = read_coco(at(pool.annotations), at(pool.images), "train")
    else:
        named = at(pool.labels) if pool.kind == "masks" else None
        images = read_index_masks(at(pool.masks), at(pool.images), named, pool.category)
    kept_images = _without(name, pool, images, [i.image.name for i in images])
    also = [read_coco(at(path), at(pool.images), "train") for path in pool.also]
    return image_pool(name, kept_images, pool.weight, pool.zoom, pool.incomplete, also, beside)


def image_pool(
    name: str,
    images: Iterable[AnnotatedImage],
    weight: float,
    zoom: float = 0.5,
    incomplete: Sequence[str] = (),
    also: Sequence[Sequence[AnnotatedImage]] = (),
    beside: Mapping[str, frozenset[str]] | None = None,
) -> ImagePool:
    """Annotated images as a pool; what is annotated anywhere in it is taken to be annotated throughout.

    Of the classes `incomplete` nothing is known in images where none is annotated. `also`: what else is annotated in some of
    the images, each set throughout those that are in it. `beside`: what an image does not show for what it shows. Raises
    DataError where there are no images.
    """
    listed = list(images)
    known = related(_classes(listed))
    if not listed:
        raise DataError(f"pool {name} has no images; leave it out with --data.pools.{name}=null")

    unsure = [related({name}) for name in incomplete]
    further = [({image.image: image for image in more}, related(_classes(more))) for more in also]
    if not all(any(image.image in found for image in listed) for found, _ in further):
        raise DataError(
            f"pool {name}: a file of `also` is about none of its images; --data.pools.{name}.also=[] leaves it out"
        )

    def record(image: AnnotatedImage) -> Record:
        here = _classes([image])
        sure = known - {kind for kinds in unsure if not kinds & here for kind in kinds}
        for found, classes in further:
            if (more := found.get(image.image)) is not None:
                objects = (*image.layout.objects, *more.layout.objects)
                layout = replace(image.layout, objects=objects)
                image = replace(image, layout=layout, targets=(*image.targets, *more.targets))
                sure |= classes
        return record_of(image, sure | denied_by(here, beside or {}))

    return ImagePool(name, tuple(map(record, listed)), weight, zoom)


def _classes(images: Iterable[AnnotatedImage]) -> set[str]:
    return {canonical(o.category) for image in images for o in image.layout.objects}


def _without(name: str, pool: PoolOptions, items: Sequence[T], names: Sequence[str]) -> tuple[T, ...]:
    """Items whose file's name fits no pattern. A pattern that fits nothing would let through what it should keep out."""
    for pattern in pool.exclude:
        if not any(fnmatch(file, pattern) for file in names):
            raise UsageError(
                f"recipe: data.pools.{name}.exclude has {pattern!r}, which fits none of its {len(names)} files "
                f"(such as {', '.join(names[:2])}); correct it, or set --data.pools.{name}.exclude=[]"
            )
    return tuple(i for i, f in zip(items, names, strict=True) if not any(fnmatch(f, p) for p in pool.exclude))


def related(classes: set[str]) -> frozenset[str]:
    """Canonical classes, and general ones with their kinds, where one of them is known."""
    names = {canonical(c) for c in classes}
    for general, kinds in KINDS_OF.items():
        if general in names or "car" in names & kinds:
            names |= {general, *kinds}
    return frozenset(names)
