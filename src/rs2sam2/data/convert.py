"""`data convert`: any data set to the open format or to RRSIS-D's layout.

Images are copied byte for byte (or, in the open format, referred to where they lie). Run-length codes and polygons
stay what they are; mask files become run-length codes of the same pixels. Nothing that a sample says is lost on the
way to RRSIS-D and back, except polygons of samples with several objects: they come back as the pixels they cover.
What is annotated in the images (`layouts/`) goes along from the open format to itself. The new folder appears when it
is complete.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

from rs2sam2.data import refs, rrsisd
from rs2sam2.data.check import Progress, usable
from rs2sam2.data.registry import Dataset
from rs2sam2.data.sample import Sample
from rs2sam2.errors import UsageError
from rs2sam2.files import new_folder, replacing, write_text

Images = Literal["copy", "reference"]


def convert_dataset(
    data: Dataset,
    out: str | Path,
    to: Literal["refs", "rrsisd"] = "refs",
    *,
    splits: Collection[str] | None = None,
    images: Images = "copy",
    drop_broken: bool = False,
    progress: Progress | None = None,
) -> dict[str, int]:
    """Write `data` to the folder `out`; returns how many samples each split has there.

    `images="reference"` leaves the images where they are (open format only). `drop_broken` leaves out what
    `rs2sam2 data check` would call broken. Raises UsageError where `out` is not empty or the choice is not possible,
    DataError where something cannot be read.
    """
    if to == "rrsisd" and images != "copy":
        raise UsageError("RRSIS-D's layout has its images inside; leave --images at copy, or convert to refs")
    chosen = tuple(dict.fromkeys(splits)) if splits else data.splits()  # each once
    with new_folder(out) as folder:
        samples = [sample for split in chosen for sample in data.read(split)]
        if drop_broken:
            samples = usable(samples, progress=progress)
        if to == "rrsisd":
            rrsisd.write(folder, samples)
        else:
            _write_refs(data, folder, samples, images, progress)
    return {split: sum(s.split == split for s in samples) for split in chosen}


def _write_refs(data: Dataset, out: Path, samples: list[Sample], images: Images, progress: Progress | None) -> None:
    paths = list(dict.fromkeys(s.image for s in samples))
    common = Path(os.path.commonpath([path.parent.resolve() for path in paths])) if paths else out
    info = refs.read_info(data.root) if data.layout.name == "refs" else None
    refs.write_dataset_json(
        out,
        name=samples[0].source if samples else data.layout.title,
        image_root="." if images == "copy" else common,
        licence=info.licence if info else None,
        generator=info.generator if info else {"converted_from": data.layout.name},
    )
    inside = Path("images" if images == "copy" else ".")
    names = {path: (inside / path.parent.resolve().relative_to(common) / path.name).as_posix() for path in paths}
    if images == "copy":
        copies = {path: out / name for path, name in names.items()}
        for done, (path, copy) in enumerate(copies.items(), 1):
            if path.is_file():  # a missing image stays missing: data check says so of the copy as of the original
                with replacing(copy) as temporary:
                    shutil.copyfile(path, temporary)
            if progress:
                progress(done, len(copies))
        samples = [replace(s, image=copies[s.image]) for s in samples]
    for split in dict.fromkeys(s.split for s in samples):
        refs.write_split(out, split, [s for s in samples if s.split == split])
        layouts = data.root / "layouts" / f"{split}.jsonl"
        if info and layouts.is_file():
            write_text(out / "layouts" / layouts.name, refs.renamed(layouts, partial(_name, names, info.image_root)))


def _name(names: dict[Path, str], root: Path, image: str) -> str | None:
    """What an image that is named from `root` is called in the new set; None where that does not have it."""
    return names.get(root / image)
