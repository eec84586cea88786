"""The open format ("rs2sam2 refs"): images beside one JSON Lines file a split, easy to write by hand, fast to read.

    folder/dataset.json   {"format": "rs2sam2-refs", "version": 1, "name": "...", "image_root": "."}
    folder/train.jsonl    {"id": "1", "image": "images/1.jpg", "phrase": "the ship", "targets": [...]}

One object a line; `id`, `image`, `phrase` and `targets` are required. The whole format is described in docs/data.md.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from rs2sam2.data.masks import RLE, MaskFile, Polygons, Target
from rs2sam2.data.sample import Sample
from rs2sam2.errors import DataError, UsageError
from rs2sam2.files import replacing, write_text

FORMAT, VERSION = "rs2sam2-refs", 1
EXPECTED = "dataset.json + train.jsonl, val.jsonl or test.jsonl"
OBTAINED = "written by rs2sam2 data make-refs, by rs2sam2 data convert or by hand"
_ORDER = {"train": 0, "val": 1, "test": 2}
_KEYS = {"id", "image", "phrase", "targets", "category", "kind", "height", "width", "program"}


@dataclass(frozen=True, kw_only=True)
class DatasetInfo:
    """What `dataset.json` says about a folder."""

    name: str
    image_root: Path
    """Folder that the `image` entries are relative to, resolved against the data set's folder."""
    licence: str | None = None
    generator: dict[str, Any] | None = None
    """How the data set was made, so that it can be made again."""


def detect(root: Path) -> bool:
    """Whether `root` holds the open format."""
    return (root / "dataset.json").is_file()


def read_info(folder: str | Path) -> DatasetInfo:
    """`dataset.json` of a folder. Raises DataError where it is missing or of another format."""
    path = Path(folder) / "dataset.json"
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise DataError(
            f'no {path}; write one: {{"format": "{FORMAT}", "version": {VERSION}, "name": "mine"}}'
        ) from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is not JSON ({error})") from None
    if not isinstance(data, dict) or data.get("format") != FORMAT or data.get("version") != VERSION:
        raise DataError(f'{path}: expected "format": "{FORMAT}" and "version": {VERSION}; add them or upgrade rs2sam2')
    name, root, licence, generator = (data.get(k) for k in ("name", "image_root", "licence", "generator"))
    for key, value, kind in (
        ("name", name, str),
        ("image_root", root, str),
        ("licence", licence, str),
        ("generator", generator, dict),
    ):
        if value is not None and not isinstance(value, kind):
            raise DataError(f"{path}: {key} must be of type {kind.__name__}, got {type(value).__name__}")
    return DatasetInfo(
        name=name or Path(folder).resolve().name,
        image_root=Path(folder) / (root or "."),
        licence=licence,
        generator=generator,
    )


def write_dataset_json(
    folder: str | Path,
    *,
    name: str,
    image_root: str | Path = ".",
    licence: str | None = None,
    generator: dict[str, Any] | None = None,
) -> None:
    """Write `dataset.json`. `image_root` is relative to `folder`, or absolute."""
    data = {"format": FORMAT, "version": VERSION, "name": name, "image_root": Path(image_root).as_posix()}
    if licence is not None:
        data["licence"] = licence
    if generator is not None:
        data["generator"] = generator
    write_text(Path(folder) / "dataset.json", json.dumps(data, indent=2, ensure_ascii=False) + "\n")


def splits(folder: str | Path) -> tuple[str, ...]:
    """Names of the splits in a folder: train, val, test, then any others."""
    names = [path.stem for path in Path(folder).glob("*.jsonl") if not path.name.startswith(".")]
    return tuple(sorted(names, key=lambda name: (_ORDER.get(name, 9), name)))


def read(folder: str | Path, split: str) -> list[Sample]:
    """Samples of one split, in the file's order. Raises DataError naming file and line where it is malformed."""
    folder = Path(folder)
    info = read_info(folder)
    path = folder / f"{split}.jsonl"
    if split not in splits(folder):
        raise DataError(
            f"{folder} has no split {split!r}; it has {', '.join(splits(folder)) or 'none: add train.jsonl'}"
        )
    samples = []
    with path.open(encoding="utf-8-sig") as lines:
        try:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    samples.append(_sample(line, folder, info, split, f"{path.name} line {number}"))
        except UnicodeDecodeError as error:
            raise DataError(f"{path} is not UTF-8 ({error.reason} at byte {error.start}); save it as UTF-8") from None
    return samples


def write_split(folder: str | Path, split: str, samples: Iterable[Sample], image_root: Path | None = None) -> int:
    """Write `{split}.jsonl`; returns how many samples. Images must lie under `image_root` (default: as `dataset.json` says).

    Mask files inside `folder` are referred to; those elsewhere are written as run-length codes.
    Raises UsageError where an image lies outside.
    """
    folder = Path(folder)
    root = (image_root or (read_info(folder).image_root if detect(folder) else folder)).resolve()
    inside: dict[Path, str] = {}
    count = 0
    with replacing(folder / f"{split}.jsonl") as temporary, temporary.open("w", encoding="utf-8", newline="\n") as out:
        for sample in samples:
            if sample.image not in inside:
                inside[sample.image] = _relative(sample.image, root)
            item: dict[str, Any] = {
                "id": sample.id,
                "image": inside[sample.image],
                "phrase": sample.phrase,
                "targets": [_target_json(target, folder) for target in sample.targets],
            }
            for key in ("category", "kind", "height", "width", "program"):
                value = getattr(sample, key)
                if value is not None:
                    item[key] = value
            out.write(json.dumps(item, ensure_ascii=False, separators=(",", ":")) + "\n")
            count += 1
    return count


def renamed(path: Path, name: Callable[[str], str | None]) -> str:
    """The text of a file of samples or layouts, one a line, with each image called as `name` says; without it where None.

    DataError where a line is no object that names an image.
    """
    lines = []
    for number, line in enumerate(path.read_bytes().removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        if line.strip():
            try:
                item = json.loads(line)
                new = name(item["image"])
            except (ValueError, KeyError, TypeError, RecursionError) as error:
                raise DataError(f"{path} line {number} names no image ({error}); correct or remove it") from None
            if new is not None:
                lines.append(json.dumps(item | {"image": new}, ensure_ascii=False, separators=(",", ":")) + "\n")
    return "".join(lines)


def _relative(path: Path, root: Path) -> str:
    # The folder is resolved, not the file: an image that is a link keeps its own name.
    whole = path.parent.resolve() / path.name
    if not whole.is_relative_to(root):
        raise UsageError(
            f"image {path} lies outside the image root {root}; set image_root in dataset.json, or copy the images"
        )
    return whole.relative_to(root).as_posix()


def _target_json(target: Target, folder: Path) -> dict[str, Any]:
    if isinstance(target, MaskFile):
        whole = target.path.parent.resolve() / target.path.name
        if whole.is_relative_to(folder.resolve()):
            item: dict[str, Any] = {"mask": whole.relative_to(folder.resolve()).as_posix()}
            if target.values is not None:
                item["values"] = list(target.values)
            elif target.above:
                item["above"] = target.above
            return item
        target = RLE.encode(target.decode())
    if isinstance(target, Polygons):
        return {"polygons": [list(ring) for ring in target.rings]}
    return {"rle": {"size": list(target.size), "counts": target.counts}}


def _sample(line: str, folder: Path, info: DatasetInfo, split: str, where: str) -> Sample:
    try:
        item = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where} is not JSON ({error}); each line is one object") from None
    if not isinstance(item, dict):
        raise DataError(f"{where}: expected an object, got {type(item).__name__}")
    if "\\u" in line and _has_half_a_character(item):
        raise DataError(f"{where} has half a character (a lone \\ud800 to \\udfff); write the whole or none")
    missing = [key for key in ("id", "image", "phrase", "targets") if key not in item]
    unknown = sorted(set(item) - _KEYS)
    if missing or unknown:
        said = f"lacks {', '.join(missing)}" if missing else f"has unknown {', '.join(unknown)}"
        raise DataError(f"{where} {said}; known: {', '.join(sorted(_KEYS))} (targets: [] = nothing there)")
    for key, kind in (
        ("id", str),
        ("image", str),
        ("phrase", str),
        ("category", str),
        ("kind", str),
        ("program", dict),
    ):
        value = item.get(key)
        if not isinstance(value, kind) and not (value is None and key in ("category", "kind", "program")):
            raise DataError(f"{where}: {key} must be of type {kind.__name__}, got {type(value).__name__}")
    for key in ("height", "width"):
        if item.get(key) is not None and not (type(item[key]) is int and item[key] > 0):
            raise DataError(f"{where}: {key} must be a number of pixels, got {str(item[key])[:20]!r}")
    if not isinstance(item["targets"], list):
        raise DataError(
            f"{where}: targets must be a list (empty = nothing there), got {type(item['targets']).__name__}"
        )
    try:
        targets = tuple(_target(target, folder) for target in item["targets"])
        image = info.image_root / _inside(item["image"])
    except DataError as error:
        raise DataError(f"{where}: {error}") from None
    return Sample(
        id=item["id"],
        phrase=item["phrase"].strip(),
        image=image,
        split=split,
        source=info.name,
        targets=targets,
        category=item.get("category"),
        height=item.get("height"),
        width=item.get("width"),
        kind=item.get("kind"),
        program=item.get("program"),
    )


def _has_half_a_character(item: Any) -> bool:
    """Whether a text in JSON data cannot be written as UTF-8: no file has such a name, and no report could show it."""
    try:
        json.dumps(item, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    return False


def _inside(name: str) -> str:
    """`name` if it is a relative path that stays inside; a data set must not point at other files of its reader."""
    path = PurePosixPath(name.replace("\\", "/"))
    if not path.parts or "\0" in name or path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
        raise DataError(f"path {name[:80]!r} must be relative, without '..'; set image_root in dataset.json instead")
    return path.as_posix()


def _target(item: Any, folder: Path) -> Target:
    keys = set(item) if isinstance(item, dict) else set()
    if keys == {"rle"} and isinstance(item["rle"], dict):
        return RLE.from_coco(item["rle"])
    if keys == {"polygons"} and isinstance(item["polygons"], list):
        return Polygons.from_coco(item["polygons"])
    if "mask" in keys and keys <= {"mask", "values", "above"} and isinstance(item["mask"], str):
        values, above = item.get("values"), item.get("above", 0)
        if (values is None or (isinstance(values, list) and all(type(v) is int for v in values))) and type(
            above
        ) is int:
            return MaskFile(folder / _inside(item["mask"]), tuple(values) if values is not None else None, above)
    raise DataError(
        f'target {json.dumps(item)[:60]} is none of {{"rle": {{"size", "counts"}}}}, {{"polygons": [[x, y, ...]]}}, '
        '{"mask": "file.png", "values": [1]}'
    )
