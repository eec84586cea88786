"""From annotated images to a referring data set on disk."""

from __future__ import annotations

import filecmp
import fnmatch
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rs2sam2.data import refs
from rs2sam2.data.builder.annotated import AnnotatedImage, write_layouts
from rs2sam2.data.builder.choose import Pair, Recipe
from rs2sam2.data.language.lexicon import canonical
from rs2sam2.data.sample import Sample
from rs2sam2.errors import UsageError
from rs2sam2.files import replacing


@dataclass(frozen=True)
class Counts:
    """What a split holds: pairs, those without a target (and how many of these have the class in the image), by kind."""

    pairs: int
    no_target: int
    hard: int
    kinds: dict[str, int]
    categories: dict[str, int]


def held_out(
    images: Sequence[AnnotatedImage], patterns: Sequence[str]
) -> tuple[list[AnnotatedImage], list[AnnotatedImage]]:
    """The images whose file name matches none of the patterns ("tile7_*"), and those that match one.

    UsageError where there is no image, a pattern matches nothing, all is held out, or an image whose masks a program made is.
    """
    if not images:
        raise UsageError("--hold-out divides images, and the source has none; give one that has")
    for pattern in patterns:
        if not any(fnmatch.fnmatch(image.image.name, pattern) for image in images):
            raise UsageError(
                f"--hold-out {pattern} matches no image, such as {images[0].image.name}; correct the pattern"
            )
    kept: list[AnnotatedImage] = []
    held: list[AnnotatedImage] = []
    for image in images:
        (held if any(fnmatch.fnmatch(image.image.name, pattern) for pattern in patterns) else kept).append(image)
    if not kept:
        raise UsageError(f"--hold-out {' '.join(patterns)} matches every image; leave some to train on")
    derived = next((image.image.name for image in held if image.derived), None)
    if derived is not None:
        raise UsageError(
            f"--hold-out {' '.join(patterns)} puts {derived} into val, but a program made its masks: they are for training "
            "only; hold out what people outlined, or leave --hold-out out"
        )
    return kept, held


def image_root(folder: Path, images: Sequence[AnnotatedImage]) -> Path:
    """The folder that the images of a split, at least one, are named from in the data set `folder`."""
    # The folders are resolved, not the files: a picture that is a link keeps its own name.
    root = Path(os.path.commonpath([image.image.parent.resolve() for image in images]))
    return folder.resolve() if root.is_relative_to(folder.resolve()) else root


def common_root(folder: Path, splits: Mapping[str, Sequence[AnnotatedImage]], within: Sequence[Path]) -> Path:
    """The folder that the images of all `splits`, and of others in the data set `folder`, are named from.

    `within`: the folders of pictures that the splits are made from. UsageError where images lie so far apart that the
    common folder of all is in one of these no more, and not what the data set has its images in.
    """
    roots = {image_root(folder, images) for images in splits.values()}
    old = refs.read_info(folder).image_root.resolve() if _beside(folder, next(iter(splits))) else None
    everywhere = sorted(str(root) for root in (roots if old is None else roots | {old}))
    common = Path(os.path.commonpath(everywhere))
    if len(everywhere) == 1 or common == old or all(common.is_relative_to(place.resolve()) for place in within):
        return common
    if len(roots) > 1:
        raise UsageError(
            f"the splits have their images in {' and '.join(sorted(map(str, roots)))}; give each its own --output, or put "
            "them in one folder"
        )
    raise UsageError(f"{folder} has its images in {old}, the new ones are in {roots.pop()}; choose another --output")


def _beside(folder: Path, split: str) -> set[str]:
    """The splits that a data set has beside `split`; none where there is no data set."""
    return set(refs.splits(folder)) - {split} if refs.detect(folder) else set()


@contextmanager
def staging(folder: Path) -> Iterator[Path]:
    """A temporary folder on the disk of `folder`, for tiles until it is sure that a set will be written; it vanishes."""
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    with tempfile.TemporaryDirectory(prefix=".", suffix=".tmp", dir=existing) as temporary:
        yield Path(temporary)


def place_tiles(staged: Path, folder: Path, splits: Sequence[str]) -> None:
    """Move what lies in `staged` to the same places in `folder`, as images of `splits`.

    UsageError, before the first is moved, where one would replace another picture that a split besides these is about.
    """
    tiles = {tile: folder / tile.relative_to(staged) for tile in sorted(staged.rglob("*.png"))}
    changed = {new for tile, new in tiles.items() if new.is_file() and not filecmp.cmp(tile, new, shallow=False)}
    for split in sorted(set(refs.splits(folder)) - set(splits)) if changed and refs.detect(folder) else ():
        used = {image.resolve() for image in {sample.image for sample in refs.read(folder, split)}}
        lost = next((new for new in sorted(changed) if new.resolve() in used), None)
        if lost is not None:
            raise UsageError(
                f"{lost} is there with other pixels, and {split} is about it; give the raster another file name, or "
                "choose another --output"
            )
    for tile, new in tiles.items():
        with replacing(new) as temporary:
            shutil.move(tile, temporary)


def check_classes(named: Sequence[str], images: Sequence[AnnotatedImage]) -> None:
    """UsageError where a class that is called incomplete is not annotated at all."""
    there = sorted({canonical(o.category) for image in images for o in image.layout.objects})
    for name in named:
        if canonical(name) not in there:
            raise UsageError(f"--incomplete {name} is no class of these labels; they have {', '.join(there) or 'none'}")


def write(
    folder: Path,
    name: str | None,
    split: str,
    images: Sequence[AnnotatedImage],
    pairs: Sequence[Pair],
    recipe: Recipe,
    licence: str | None = None,
    made_from: str = "",
    root: Path | None = None,
) -> Counts:
    """Write `split` of a data set in the open format, its layouts beside it (`layouts/{split}.jsonl`); its counts.

    `dataset.json` keeps what other splits say, also name and licence where they are None (no other: the folder's name, no
    licence). `root`: the folder that images are named from, in all splits (`common_root`). UsageError where it is None
    and another split has its images elsewhere.
    """
    root = root or common_root(folder, {split: images}, [folder])
    generator: dict[str, Any] = {}
    others = _beside(folder, split)
    with ExitStack() as stack:
        if others:
            info = refs.read_info(folder)
            name, licence = name or info.name, info.licence if licence is None else licence
            generator = {key: value for key, value in (info.generator or {}).items() if key in others}
            if info.image_root.resolve() != root:
                _rename(folder, others, info.image_root.resolve().relative_to(root), stack)
        name = name or folder.resolve().name
        generator[split] = {"made_from": made_from, **asdict(recipe)}
        refs.write_split(folder, split, _samples(name, split, images, pairs), root)
        write_layouts(folder / "layouts" / f"{split}.jsonl", images, root)
        where = Path(os.path.relpath(root, folder.resolve()))
        refs.write_dataset_json(folder, name=name, image_root=where, licence=licence, generator=generator)
    return count(images, pairs)


def _rename(folder: Path, splits: set[str], below: Path, stack: ExitStack) -> None:
    """Put `below` before the image names of splits and their layouts; the files are replaced as the stack closes."""
    for split in sorted(splits):
        for path in (folder / f"{split}.jsonl", folder / "layouts" / f"{split}.jsonl"):
            if path.is_file():
                text = refs.renamed(path, lambda image: (below / image).as_posix())
                stack.enter_context(replacing(path)).write_text(text, encoding="utf-8", newline="\n")


def count(images: Sequence[AnnotatedImage], pairs: Sequence[Pair]) -> Counts:
    """The counts of a split."""
    empty = [pair for pair in pairs if not pair.targets]
    hard = sum(bool(images[p.image].layout.candidates(p.program.select.category)) for p in empty)
    kinds = Counter(pair.kind for pair in pairs)
    categories = Counter(pair.program.select.category for pair in pairs)
    return Counts(len(pairs), len(empty), hard, dict(sorted(kinds.items())), dict(sorted(categories.items())))


def _samples(name: str, split: str, images: Sequence[AnnotatedImage], pairs: Sequence[Pair]) -> list[Sample]:
    samples = []
    numbers: Counter[str] = Counter()
    for pair in pairs:
        image = images[pair.image]
        stem = image.image.stem
        numbers[stem] += 1
        targets = tuple(t for i in sorted(pair.targets) if (t := image.targets[i]) is not None)
        samples.append(
            Sample(
                id=f"{stem}-{numbers[stem]:03d}",
                phrase=pair.phrase,
                image=image.image,
                split=split,
                source=name,
                targets=targets,
                category=pair.program.select.category,
                height=int(image.layout.height),
                width=int(image.layout.width),
                kind=pair.kind,
                program=pair.program.to_dict(),
            )
        )
    return samples
