"""From annotated images to a referring data set on disk."""

from __future__ import annotations

import fnmatch
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rs2sam2.data import refs
from rs2sam2.data.builder.annotated import AnnotatedImage, write_layouts
from rs2sam2.data.builder.choose import Pair, Recipe
from rs2sam2.data.language.lexicon import canonical
from rs2sam2.data.sample import Sample
from rs2sam2.errors import UsageError


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

    UsageError where there is no image, a pattern matches nothing, or all is held out.
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
    return kept, held


def image_root(folder: Path, images: Sequence[AnnotatedImage]) -> Path:
    """The folder that the images of a split, at least one, are named from in the data set `folder`."""
    root = Path(os.path.commonpath([image.image.resolve().parent for image in images]))
    return folder.resolve() if root.is_relative_to(folder.resolve()) else root


def check_roots(folder: Path, splits: Sequence[Sequence[AnnotatedImage]]) -> None:
    """UsageError where the splits of the data set `folder` have their images in different places."""
    roots = sorted({str(image_root(folder, images)) for images in splits})
    if len(roots) > 1:
        raise UsageError(
            f"the splits have their images in {' and '.join(roots)}; give each its own --output, or put them in one folder"
        )


def check_classes(named: Sequence[str], images: Sequence[AnnotatedImage]) -> None:
    """UsageError where a class that is called incomplete is not annotated at all."""
    there = sorted({canonical(o.category) for image in images for o in image.layout.objects})
    for name in named:
        if canonical(name) not in there:
            raise UsageError(f"--incomplete {name} is no class of these labels; they have {', '.join(there) or 'none'}")


def write(
    folder: Path,
    name: str,
    split: str,
    images: Sequence[AnnotatedImage],
    pairs: Sequence[Pair],
    recipe: Recipe,
    licence: str | None = None,
    made_from: str = "",
) -> Counts:
    """Write `split` of a data set in the open format, its layouts beside it (`layouts/{split}.jsonl`); its counts.

    `dataset.json` keeps what other splits say. UsageError where another split has its images elsewhere.
    """
    root = image_root(folder, images)
    generator: dict[str, Any] = {}
    if refs.detect(folder):
        info = refs.read_info(folder)
        others = {s for s in refs.splits(folder) if s != split}
        if others and info.image_root.resolve() != root:
            raise UsageError(
                f"{folder} has its images in {info.image_root.resolve()}, the new ones are in {root}; choose another --output"
            )
        generator = {key: value for key, value in (info.generator or {}).items() if key in others}
    generator[split] = {"made_from": made_from, **asdict(recipe)}
    where = Path(os.path.relpath(root, folder.resolve()))
    refs.write_dataset_json(folder, name=name, image_root=where, licence=licence, generator=generator)
    refs.write_split(folder, split, _samples(name, split, images, pairs))
    write_layouts(folder / "layouts" / f"{split}.jsonl", images, root)
    return count(images, pairs)


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
