"""`data check`: what is in a data set, and what is wrong with it.

report = check_dataset(open_dataset("RRSIS-D"))
report.broken          # findings that make a sample unusable; the command then exits with 4
report.to_dict()       # plain containers, ready for JSON
"""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from rs2sam2.data.likeness import Fingerprint, fingerprint, groups
from rs2sam2.data.masks import Polygons, Size
from rs2sam2.data.registry import Dataset
from rs2sam2.data.sample import Sample
from rs2sam2.depth import more_than_8_bits
from rs2sam2.errors import DataError, UsageError

BROKEN = {
    "unreadable split": "the files that list its samples are damaged",
    "missing image": "the image file is not there",
    "unreadable image": "the image file cannot be decoded to the end, or has more than 8 bits a band",
    "bad mask": "the annotation cannot be decoded",
    "empty mask": "there are targets but not one pixel of them",
    "duplicate id": "two samples of a split have one id",
    "empty phrase": "the phrase has no word",
}
"""Findings that make a sample unusable."""
NOTED = {
    "mask size": "the mask is of another size than its image (it is stretched to the image)",
    "alike in a split": "two image files of a split look the same",
    "alike across splits": "an image of one split looks like one of another: scores on it flatter",
    "asked both ways": "a phrase that one sample of an image gives a target and another none",
    "unknown word": "a word that the training split (or the list given) does not have",
}
"""Findings worth knowing; nothing is refused for them."""

Progress = Callable[[int, int], None]
"""Called with (done, total)."""


@dataclass(frozen=True)
class Finding:
    """One thing found: `what` is a key of BROKEN or NOTED, `id` a sample's id, an image's name or a word."""

    what: str
    split: str
    id: str
    detail: str


@dataclass(frozen=True)
class Counts:
    """What a split holds."""

    samples: int
    images: int
    no_target: int
    objects: int
    categories: dict[str, int]
    kinds: dict[str, int]


@dataclass(frozen=True)
class Report:
    """What a data set holds and what is wrong with it."""

    root: str
    layout: str
    splits: dict[str, Counts]
    findings: tuple[Finding, ...] = field(default=())

    @property
    def broken(self) -> tuple[Finding, ...]:
        """The findings that make a sample unusable."""
        return tuple(f for f in self.findings if f.what in BROKEN)

    def to_dict(self) -> dict[str, Any]:
        """Plain containers, ready for JSON; `ok` is false where something is broken."""
        found = Counter(f.what for f in self.findings)
        return {"ok": not self.broken, "found": dict(found), **asdict(self)}


@dataclass(frozen=True)
class _Image:
    size: Size | None = None
    fingerprint: Fingerprint | None = None
    problem: tuple[str, str] | None = None


def check_dataset(
    data: Dataset,
    splits: Collection[str] | None = None,
    *,
    words: Collection[str] | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Report:
    """Read everything once and report. `words` are the known words (default: those of the training split).

    `workers` threads decode the images (default: one for each core). Raises UsageError where a split does not exist
    or no thread is left.
    """
    if workers is not None and workers < 1:
        raise UsageError(f"--workers {workers} decode nothing; give at least 1")
    chosen = tuple(dict.fromkeys(splits)) if splits else data.splits()  # each once
    samples: list[Sample] = []
    findings: list[Finding] = []
    for split in chosen:
        try:
            samples += data.read(split)
        except DataError as error:
            findings.append(Finding("unreadable split", split, "", str(error)))
    counts = {split: _count([s for s in samples if s.split == split]) for split in chosen}
    images = _look(samples, workers, progress)
    findings += _inspect(samples, images)
    findings += _alike(samples, images)
    findings += _both_ways(samples)
    if words is None and "train" in data.splits():
        try:
            train = [s for s in samples if s.split == "train"] or data.read("train")
            words = {w for s in train for w in words_of(s.phrase)}
        except DataError as error:  # no word can be called unknown then
            if "train" not in chosen:
                findings.append(Finding("unreadable split", "train", "", str(error)))
    if words is not None:
        findings += _unknown(samples, set(words))
    return Report(str(data.root), data.layout.name, counts, tuple(findings))


def usable(samples: Sequence[Sample], *, workers: int | None = None, progress: Progress | None = None) -> list[Sample]:
    """`samples` without those that are broken; of whole ones with one id the first stays. Decodes images and masks."""
    images = _look(samples, workers, progress)
    kept: dict[tuple[str, str], Sample] = {}
    for sample in samples:
        if not any(what in BROKEN for what, _ in _problems(sample, images[sample.image])):
            kept.setdefault((sample.split, sample.id), sample)
    return list(kept.values())


def words_of(phrase: str) -> list[str]:
    """The words of a phrase in lower case; numbers and punctuation are none."""
    return re.findall(r"[^\W\d_]+(?:['’-][^\W\d_]+)*", phrase.lower())


def _count(samples: Sequence[Sample]) -> Counts:
    categories = Counter(s.category for s in samples if s.category is not None)
    kinds = Counter(s.kind for s in samples if s.kind is not None)
    return Counts(
        samples=len(samples),
        images=len({s.image for s in samples}),
        no_target=sum(not s.targets for s in samples),
        objects=sum(len(s.targets) for s in samples),
        categories=dict(categories.most_common()),
        kinds=dict(kinds.most_common()),
    )


def _look(samples: Sequence[Sample], workers: int | None, progress: Progress | None) -> dict[Path, _Image]:
    """Decode each image once."""
    paths = list(dict.fromkeys(s.image for s in samples))
    out = {}
    with ThreadPoolExecutor(workers or os.cpu_count()) as pool:  # Pillow decodes outside the interpreter's lock
        for done, (path, facts) in enumerate(zip(paths, pool.map(_look_at, paths), strict=True), 1):
            out[path] = facts
            if progress:
                progress(done, len(paths))
    return out


def _look_at(path: Path) -> _Image:
    from PIL import Image

    try:
        with Image.open(path) as image:
            if more_than_8_bits(image):
                return _Image(problem=("unreadable image", f"{path}: more than 8 bits a band; stretch it to 8 bits"))
            size = (image.height, image.width)
            image.draft("RGB", (144, 144))  # a JPEG is still read to its end, and decoded four times as fast
            return _Image(size, fingerprint(image))
    except FileNotFoundError:
        return _Image(problem=("missing image", str(path)))
    except Exception as error:  # Pillow's decoders raise many kinds on damaged files
        return _Image(problem=("unreadable image", f"{path}: {error}"))


def _inspect(samples: Sequence[Sample], images: dict[Path, _Image]) -> list[Finding]:
    findings = []
    seen: set[tuple[str, str]] = set()
    for sample in samples:
        found = list(_problems(sample, images[sample.image]))
        if (sample.split, sample.id) in seen:
            found.append(("duplicate id", f"{sample.phrase!r}"))
        seen.add((sample.split, sample.id))
        findings += [Finding(what, sample.split, sample.id, detail) for what, detail in found]
    return findings


def _problems(sample: Sample, image: _Image) -> Iterable[tuple[str, str]]:
    if not words_of(sample.phrase):
        yield "empty phrase", repr(sample.phrase)
    if image.problem:
        yield image.problem
    size = image.size
    frame = (sample.height, sample.width) if sample.height and sample.width else size
    if frame is None and any(isinstance(target, Polygons) for target in sample.targets):
        return  # nothing says what they are drawn on; the image is reported as missing
    shapes, ink = set(), 0
    for target in sample.targets:
        try:
            mask = target.decode(frame, strict=True)
        except DataError as error:
            yield "bad mask", str(error)
            return
        shapes.add(mask.shape)
        ink += int(np.count_nonzero(mask))
    if sample.targets and not ink:
        yield "empty mask", f"{sample.phrase!r}"
    for shape in sorted(shapes):
        if size and shape != size:
            yield "mask size", f"mask {shape[0]} x {shape[1]}, image {size[0]} x {size[1]}"


def _alike(samples: Sequence[Sample], images: dict[Path, _Image]) -> list[Finding]:
    splits: defaultdict[Path, list[str]] = defaultdict(list)
    for sample in samples:
        if sample.split not in splits[sample.image]:
            splits[sample.image].append(sample.split)
    paths = [path for path, facts in images.items() if facts.fingerprint]
    marks = [mark for path in paths if (mark := images[path].fingerprint)]
    together = [[paths[i] for i in group] for group in groups(marks)]
    grouped = {path for group in together for path in group}
    together += [[path] for path in paths if path not in grouped and len(splits[path]) > 1]
    findings = []
    for group in together:
        where = list(dict.fromkeys(split for path in group for split in splits[path]))
        names = ", ".join(f"{'+'.join(splits[path])}:{path.name}" for path in group[:6]) + (
            " ..." if len(group) > 6 else ""
        )
        what = "alike across splits" if len(where) > 1 else "alike in a split"
        findings.append(Finding(what, "+".join(where), group[0].name, names))
    return findings


def _both_ways(samples: Sequence[Sample]) -> list[Finding]:
    together: defaultdict[tuple[Path, str], list[Sample]] = defaultdict(list)
    for sample in samples:
        together[sample.image, " ".join(sample.phrase.lower().split())].append(sample)
    findings = []
    for those in together.values():
        some = next((s for s in those if s.targets), None)
        none = next((s for s in those if not s.targets), None)
        if some and none:
            where = "+".join(dict.fromkeys((some.split, none.split)))
            detail = f"{none.phrase!r} of {none.image.name} has none, and a target in {some.id}"
            findings.append(Finding("asked both ways", where, none.id, detail))
    return findings


def _unknown(samples: Sequence[Sample], words: set[str]) -> list[Finding]:
    known = {word.lower() for word in words}
    found: defaultdict[tuple[str, str], list[Sample]] = defaultdict(list)
    for sample in samples:
        for word in dict.fromkeys(words_of(sample.phrase)):
            if word not in known:
                found[sample.split, word].append(sample)
    return [
        Finding("unknown word", split, word, f"in {len(those)} phrases, first {those[0].id}: {those[0].phrase!r}")
        for (split, word), those in found.items()
    ]
