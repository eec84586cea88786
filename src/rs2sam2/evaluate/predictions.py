"""Masks of any other method: a folder of PNGs, COCO run-length JSON, or JSON Lines.

    masks/<id>.png                   one file a sample; foreground is what is above half of white (above 0 in a 0/1 mask,
                                     above 0.5 in a file of probabilities)
    results.json                     a list of {"id": ..., "segmentation": {"size": [h, w], "counts": ...}, "score": ...}
    results.jsonl                    one such object a line; also "rle", "polygons" or "mask": "file.png", as in the open format

`id` is the sample's id in the data set (for RRSIS-D the reference id); "ref_id" and "sample_id" are understood too. A
mask of another size than its image is stretched NEAREST. `score` is optional, and held against --min-score.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rs2sam2.data.masks import Mask, Size, from_coco, union
from rs2sam2.data.sample import Sample
from rs2sam2.errors import DataError, UsageError
from rs2sam2.evaluate.ask import native_size

SUFFIXES = (".png", ".tif", ".tiff", ".bmp")
IDS = ("id", "ref_id", "sample_id")
MASKS = ("segmentation", "rle", "polygons", "mask")


@dataclass(frozen=True)
class Given:
    """A mask that somebody gave for a sample; read when it is asked for."""

    mask: Callable[[Sample], Mask]
    score: float | None = None


def read_predictions(path: Path, samples: Sequence[Sample], *, missing_empty: bool = False) -> dict[int, Given]:
    """By the sample's place in `samples`. Samples without a prediction are absent if `missing_empty`, an error if not.

    Raises UsageError where there is nothing known at `path`, DataError where what is there cannot be read or matched.
    """
    if path.is_dir():
        lines = path / "samples.jsonl"
        given = _from_items(_json_lines(lines), samples, path) if lines.is_file() else _from_folder(path, samples)
    elif path.suffix.lower() == ".jsonl" and path.is_file():
        given = _from_items(_json_lines(path), samples, path.parent)
    elif path.suffix.lower() == ".json" and path.is_file():
        given = _from_items(_json_list(path), samples, path.parent)
    else:
        said = "is none of these" if path.exists() else "does not exist"
        raise UsageError(f"{path} {said}; give a folder of <id>.png masks, a COCO run-length .json, or a .jsonl file")
    missing = [s for i, s in enumerate(samples) if i not in given]
    if len(missing) == len(samples):
        raise DataError(
            f"{path} has no mask for any of the {len(samples)} samples; their ids look like {samples[0].id!r}, "
            f"their split is {samples[0].split!r}"
        )
    if missing and not missing_empty:
        raise DataError(
            f"{path} has no mask for {len(missing)} of {len(samples)} samples, the first is {missing[0].id!r}; "
            "add them, or count them as empty masks with --missing empty"
        )
    return given


def _from_folder(folder: Path, samples: Sequence[Sample]) -> dict[int, Given]:
    given = {}
    for place, sample in enumerate(samples):
        for suffix in SUFFIXES:
            file = folder / f"{sample.id}{suffix}"
            if ".." not in Path(sample.id).parts and not Path(sample.id).is_absolute() and file.is_file():
                given[place] = Given(_file_reader(file))
                break
    return given


def _file_reader(file: Path) -> Callable[[Sample], Mask]:
    return lambda sample: read_mask_file(file)


def read_mask_file(file: Path) -> Mask:
    """Bool (H, W) of an image file: above half of white, or above 0 where no value is above 1. Raises DataError.

    White is 255, in a file of 16 bits 65535 where any value is above 255. Floats from 0 to 1 are probabilities.
    """
    from PIL import Image

    try:
        with Image.open(file) as image:
            as_they_are = image.mode in ("1", "P", "L", "I", "F") or image.mode.startswith("I;16")
            pixels = np.asarray(image if as_they_are else image.convert("L"))
    except Exception as error:  # Pillow's decoders raise many kinds on damaged files
        raise DataError(f"mask {file} cannot be read ({error}); write it again") from None
    most = pixels.max(initial=0)
    if pixels.dtype.kind == "f":
        least = pixels.min(initial=0)
        if not (least >= 0 and most <= 255):  # NaN is neither
            raise DataError(
                f"mask {file} has values from {least:g} to {most:g}; write probabilities from 0 to 1, or grey from 0 to 255"
            )
        likely: Mask = pixels > (0.5 if most <= 1 else 127.5)
        return likely
    if 255 < most <= 32767:
        raise DataError(f"mask {file} has values up to {most}; write 0 and 255, or in 16 bits 0 and 65535")
    foreground: Mask = pixels > (0 if most <= 1 else 127 if most <= 255 else 32767)
    return foreground


def _json_lines(file: Path) -> Iterable[tuple[str, Any]]:
    with file.open(encoding="utf-8-sig") as lines:
        try:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield f"{file.name} line {number}", json.loads(line)
        except UnicodeDecodeError as error:
            raise DataError(f"{file} is not UTF-8 ({error.reason} at byte {error.start}); save it as UTF-8") from None
        except (ValueError, RecursionError) as error:
            raise DataError(f"{file.name} line {number} is not JSON ({error}); each line is one object") from None


def _json_list(file: Path) -> Iterable[tuple[str, Any]]:
    try:
        items = json.loads(file.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{file} is not JSON ({error})") from None
    if isinstance(items, dict):
        items = items.get("annotations", items)
    if not isinstance(items, list):
        raise DataError(f'{file} holds {type(items).__name__}; wanted a list of {{"id": ..., "segmentation": ...}}')
    return ((f"{file.name} entry {n}", item) for n, item in enumerate(items))


def _from_items(items: Iterable[tuple[str, Any]], samples: Sequence[Sample], folder: Path) -> dict[int, Given]:
    places = {sample.id: place for place, sample in enumerate(samples)}
    if len(places) < len(samples):
        raise DataError(
            f"{len(samples) - len(places)} samples share an id with another, so a mask does not say whose it is; "
            "give a folder or rename them (rs2sam2 data check lists them)"
        )
    given: dict[int, Given] = {}
    for where, item in items:
        if not isinstance(item, dict):
            raise DataError(f"{where}: expected an object, got {type(item).__name__}")
        key = next((k for k in IDS if k in item), None)
        form = next((k for k in MASKS if k in item), None)
        if key is None or form is None:
            raise DataError(
                f"{where} has {', '.join(sorted(map(str, item))) or 'nothing'}; wanted one of {', '.join(IDS)} "
                f"and one of {', '.join(MASKS)}"
                + (" (evaluate writes masks with --masks)" if "overlap" in item else "")
            )
        place = places.get(str(item[key]))
        if place is None or item.get("split") not in (None, samples[place].split):
            continue  # of another split, which may have the same ids
        if place in given:
            raise DataError(f"{where}: a second mask for sample {item[key]!r}; keep one")
        score = item.get("score")
        if score is not None and type(score) not in (int, float):
            raise DataError(f"{where}: score must be a number, got {type(score).__name__}")
        if score is not None and not abs(score) <= sys.float_info.max:  # NaN and infinities, which Python reads
            raise DataError(f"{where}: score must be a finite number, got {score}; leave it out where there is none")
        given[place] = Given(_item_reader(item[form], form, folder, where), score)
    return given


def _item_reader(value: Any, form: str, folder: Path, where: str) -> Callable[[Sample], Mask]:
    if form == "mask":
        if not isinstance(value, str) or ".." in Path(value).parts or Path(value).is_absolute():
            raise DataError(f"{where}: mask must be a file below {folder}, got {str(value)[:60]!r}")
        return _file_reader(folder / value)

    def read(sample: Sample) -> Mask:
        try:
            targets = from_coco(value)
            # A code has its own size; polygons are drawn on the image.
            sizes = [t.size for t in targets if hasattr(t, "size")]
            frame: Size = sizes[0] if sizes else native_size(sample)
            return union([t.decode(frame) for t in targets], frame)
        except DataError as error:
            raise DataError(f"{where}: {error}") from None

    return read
