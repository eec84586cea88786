"""RRSIS-D (17,402 triplets of DIOR's imagery) and every data set that keeps the same REFER layout.

    <root>/images/rrsisd/JPEGImages/*.jpg    <root>/rrsisd/refs(unc).p    <root>/rrsisd/instances.json

What is peculiar to it, and what is done about it:
- `refs(unc).p` is a pickle from a file share: read by `safe_pickle`, which runs nothing.
- `bbox` is x1, y1, x2, y2 and `area` is unreliable: neither is read; masks say both.
- `categories` is `categories_id` in places, in the list's name as in an annotation: either is taken.
- `segmentation` is a list that holds one run-length code; several, or polygons, are added up.
- No segmentation is an empty mask, not "no target": the phrase does name something. `data check` reports it.
- Phrases end in line breaks in places: stripped.
- Two annotations of one id: the later one counts, as in COCO's own index. Repeated `ref_id`s are kept as they are.

`write` makes the same layout from any samples. What the layout has no place for (id that is no number, phrase kind,
program, no target) goes into an extra entry `rs2sam2` of a reference, which other readers do not look at.
"""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from rs2sam2.data import masks, safe_pickle
from rs2sam2.data.masks import RLE, Polygons, Target
from rs2sam2.data.sample import Sample
from rs2sam2.errors import DataError
from rs2sam2.files import replacing, write_text

EXPECTED = "images/rrsisd/JPEGImages/*.jpg + rrsisd/refs(unc).p + rrsisd/instances.json"
OBTAINED = "https://github.com/Lsan2401/RMSIN (Google Drive)"
NAME = "RRSIS-D"
MAX_SAMPLES = 1_000_000
"""More phrases than this come from a pickle that refers to one list again and again, not from a data set."""


def find_refs(root: Path) -> Path | None:
    """The `refs(...).p` of a data set in `root` or in a folder of it, beside an `instances.json`."""
    for pattern in ("refs(*).p", "*/refs(*).p"):
        found = [path for path in sorted(root.glob(pattern)) if (path.parent / "instances.json").is_file()]
        if found:
            return found[0]
    return None


def detect(root: Path) -> bool:
    """Whether `root` holds the layout. (RISBench is also passed around in it; `risbench.detect` comes first.)"""
    return find_refs(root) is not None


def splits(root: Path, source: str = NAME) -> tuple[str, ...]:
    """The splits that references name, in the order train, val, test, others."""
    order = {"train": 0, "val": 1, "test": 2}
    return tuple(sorted({s.split for s in _load(root, source)}, key=lambda name: (order.get(name, 9), name)))


def read(root: Path, split: str, source: str = NAME) -> list[Sample]:
    """Samples of one split, in the file's order, one for each sentence.

    Raises DataError where files are missing, damaged or not laid out as expected, or the pickle is not plain data.
    """
    return [sample for sample in _load(root, source) if sample.split == split]


def _load(root: Path, source: str) -> tuple[Sample, ...]:
    refs = find_refs(root)
    if refs is None:
        raise DataError(f"{root} has no refs(unc).p beside an instances.json; expected {EXPECTED}, from {OBTAINED}")
    instances = refs.parent / "instances.json"
    stamp = tuple((path.stat().st_mtime_ns, path.stat().st_size) for path in (refs, instances))
    return _parse(root, refs, instances, source, stamp)


@lru_cache(maxsize=1)  # the splits share their two files, and reading them takes seconds
def _parse(root: Path, refs: Path, instances: Path, source: str, stamp: object) -> tuple[Sample, ...]:
    references = safe_pickle.load(refs)
    if not isinstance(references, list) or not all(isinstance(ref, dict) for ref in references):
        raise DataError(f"{refs} holds a {type(references).__name__}; expected a list of dicts, as {EXPECTED}")
    try:
        data = json.loads(instances.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{instances} is not JSON ({error}); download it again") from None
    if not isinstance(data, dict) or not isinstance(data.get("annotations"), list):
        raise DataError(f"{instances} has no list 'annotations'; download it again")
    annotations = {a["id"]: a for a in _dicts(data["annotations"]) if isinstance(a.get("id"), int | str)}
    images = {i["id"]: i for i in _dicts(data.get("images")) if isinstance(i.get("id"), int | str)}
    names = {
        c["id"]: str(c["name"])
        for c in _dicts(data.get("categories") or data.get("categories_id"))
        if isinstance(c.get("id"), int | str) and "name" in c
    }
    folder = _image_folder(root, refs, references)
    out: list[Sample] = []
    for number, ref in enumerate(references, 1):
        try:
            out.extend(_samples(ref, annotations, images, names, folder, source))
        except (DataError, KeyError, TypeError, ValueError, AttributeError) as error:
            said = f"lacks {error}" if isinstance(error, KeyError) else str(error)
            raise DataError(f"{refs} entry {number}: {said}") from None
        if len(out) > MAX_SAMPLES:
            raise DataError(
                f"{refs} expands to more than {MAX_SAMPLES:,} phrases; it is no data set: download it again"
            )
    return tuple(out)


def _dicts(items: Any) -> list[dict[str, Any]]:
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _image_folder(root: Path, refs: Path, references: Sequence[dict[str, Any]]) -> Path:
    """The published place, else the folder of `root` in which the first references' images lie."""
    published = root / "images" / refs.parent.name / "JPEGImages"
    files = [str(ref.get("file_name")) for ref in references[:20]]
    others = [
        "images/*/JPEGImages",
        "images/JPEGImages",
        "JPEGImages",
        "*/JPEGImages",
        "images",
        "images/*",
        "*/images",
    ]
    candidates = [published, *(folder for pattern in others for folder in sorted(root.glob(pattern)))]
    if root == refs.parent:  # the path given was <root>/rrsisd itself
        candidates += [root.parent / "images" / root.name / "JPEGImages"]
    return next((folder for folder in candidates if any((folder / file).is_file() for file in files)), published)


def _samples(
    ref: dict[str, Any],
    annotations: dict[Any, dict[str, Any]],
    images: dict[Any, dict[str, Any]],
    names: dict[Any, str],
    folder: Path,
    source: str,
) -> list[Sample]:
    extra = ref.get("rs2sam2", {})
    kind, program = extra.get("kind"), extra.get("program")
    if not isinstance(kind, str | None) or not isinstance(program, dict | None):
        raise DataError("rs2sam2 must hold kind as a string and program as a dict")
    annotation = annotations.get(ref["ann_id"], {})
    image = images.get(ref["image_id"], {})
    height, width = (n if type(n := image.get(key)) is int and n > 0 else None for key in ("height", "width"))
    category = next(
        (c for d in (ref, annotation) for key in ("category_id", "categories_id") if (c := d.get(key)) is not None),
        None,
    )
    file = Path(str(ref["file_name"]))
    if file.name != str(file):
        raise DataError(f"file_name {str(file)[:60]!r} must be the bare name of an image")
    targets: tuple[Target, ...] = ()
    if not extra.get("no_target"):
        # An annotation that is absent or without a segmentation is an empty mask; a code of background says so.
        size = (height or 1, width or 1)
        empty = RLE(size, RLE.from_coco({"size": size, "counts": [size[0] * size[1]]}).counts)
        targets = masks.from_coco(annotation.get("segmentation")) or (empty,)
    sentences = ref["sentences"]
    if not isinstance(sentences, list) or not sentences:
        raise DataError("sentences must be a list of at least one")
    out = []
    for sentence in sentences:
        number = str(ref["ref_id"]) if len(sentences) == 1 else f"{ref['ref_id']}-{sentence['sent_id']}"
        out.append(
            Sample(
                id=str(extra.get("id", number)),
                phrase=str(sentence["raw"] if "raw" in sentence else sentence["sent"]).strip(),
                image=folder / file,
                split=str(ref["split"]),
                source=source,
                targets=targets,
                category=names.get(category, str(category)) if category is not None else None,
                height=height,
                width=width,
                kind=kind,
                program=program,
            )
        )
    return out


def write(root: Path, samples: Iterable[Sample]) -> int:
    """Write `samples` of all splits in RRSIS-D's layout, images copied as they are; returns how many samples.

    As in the benchmark, `bbox` is x1, y1, x2, y2. A sample without a target gets a mask of background.
    """
    samples = list(samples)
    folder = root / "images" / "rrsisd" / "JPEGImages"
    files = _flat_names(samples)
    numbers = [int(s.id) if s.id.isdecimal() and str(int(s.id)) == s.id else -1 for s in samples]
    if min(numbers, default=0) < 0 or len(set(numbers)) < len(numbers):
        numbers = list(range(len(samples)))  # the layout's ids are whole numbers, each once
    image_ids = {path: n for n, path in enumerate(files)}
    category_ids = {name: n for n, name in enumerate(sorted({s.category for s in samples if s.category is not None}))}
    references: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    images: dict[int, dict[str, Any]] = {}
    sizes: dict[int, masks.Size] = {}
    for number, sample in zip(numbers, samples, strict=True):
        image = image_ids[sample.image]
        if image not in images:
            sizes[image] = (sample.height, sample.width) if sample.height and sample.width else sample.image_size()
            height, width = sizes[image]
            images[image] = {"id": image, "file_name": files[sample.image], "height": height, "width": width}
            if sample.image.is_file():  # a missing image stays missing: data check says so of the copy, too
                with replacing(folder / files[sample.image]) as temporary:
                    shutil.copyfile(sample.image, temporary)
        category = {} if sample.category is None else {"category_id": category_ids[sample.category]}
        words = {"sent_id": number, "sent": sample.phrase, "raw": sample.phrase, "tokens": sample.phrase.split()}
        extra = {
            "id": sample.id if sample.id != str(number) else None,
            "kind": sample.kind,
            "program": sample.program,
            "no_target": True if not sample.targets else None,
        }
        extra = {key: value for key, value in extra.items() if value is not None}
        references.append(
            {"ref_id": number, "ann_id": number, "image_id": image, "split": sample.split}
            | {"file_name": files[sample.image], "sent_ids": [number], "sentences": [words]}
            | category
            | ({"rs2sam2": extra} if extra else {})
        )
        annotations.append({"id": number, "image_id": image, "iscrowd": 0} | category | _geometry(sample, sizes[image]))
    categories = [{"id": n, "name": name} for name, n in category_ids.items()]
    data = {"images": list(images.values()), "annotations": annotations, "categories": categories}
    write_text(root / "rrsisd" / "instances.json", json.dumps(data))
    with replacing(root / "rrsisd" / "refs(unc).p") as temporary:
        temporary.write_bytes(pickle.dumps(references, protocol=2))
    return len(samples)


def _geometry(sample: Sample, size: masks.Size) -> dict[str, Any]:
    layers = [target.decode(size) for target in sample.targets]
    mask = masks.union(layers, size)
    if len(sample.targets) == 1 and isinstance(sample.targets[0], Polygons):
        segmentation: list[Any] = [list(ring) for ring in sample.targets[0].rings]
    else:
        codes = [t if isinstance(t, RLE) else RLE.encode(m) for t, m in zip(sample.targets, layers, strict=True)]
        segmentation = [{"size": list(c.size), "counts": c.counts} for c in codes or [RLE.encode(mask)]]
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    box = [int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1] if len(rows) else [0, 0, 0, 0]
    return {"segmentation": segmentation, "bbox": box, "area": int(mask.sum())}


def _flat_names(samples: Sequence[Sample]) -> dict[Path, str]:
    """A bare file name for each image: its own, with its folders before it where two images share one."""
    paths = list(dict.fromkeys(s.image for s in samples))
    out: dict[Path, str] = {}
    used: set[str] = set()
    for path in paths:
        name, parents = path.name, list(path.parent.parts[::-1])
        while name.lower() in used and parents:
            name = f"{parents.pop(0).strip('/')}_{name}"
        used.add(name.lower())
        out[path] = name
    return out
