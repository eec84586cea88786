"""RISBench (52,472 triplets of VRSBench's imagery, 512 x 512; 26,300 train, 10,013 val, 16,159 test).

Its authors describe what the archive holds but not its folders, and the archive was not opened while this was
written. So the reader goes by content and takes the two forms in which such data is passed around (an assumption):

- lists: a folder of images (`images`, `imgs`, ...), one of masks with the same names (`masks`, `labels`, ...),
  either with a folder for each split or without, and a text file for each split whose name ends in the split
  (`output_phrase_train.txt`), with one `<id> <phrase>` a line; foreground is what is not 0, in a JPEG above half of white;
- REFER: `risbench/refs(unc).p` and `instances.json`, as RRSIS-D.

All-black masks are in the data: they are kept, and `data check` counts them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rs2sam2.data import rrsisd
from rs2sam2.data.masks import MaskFile
from rs2sam2.data.refsegrs import read_phrases
from rs2sam2.data.sample import Sample
from rs2sam2.errors import DataError

EXPECTED = (
    "a folder of images (images, imgs ...), one of masks (masks, labels ...) and *_{train,val,test}.txt, "
    "or risbench/refs(unc).p + risbench/instances.json"
)
OBTAINED = "https://github.com/HIT-SIRS/CroBIM (Baidu)"
NAME = "RISBench"
IMAGES = ("images", "imgs", "img", "image")
MASKS = ("masks", "mask", "annotations", "labels", "label")
LOSSY = (".jpg", ".jpeg")
LOSSY_FOREGROUND = 127
"""A JPEG's black is not 0 around what is white."""
SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp")


def detect(root: Path) -> bool:
    """Whether `root` holds one of the two forms."""
    refs = rrsisd.find_refs(root)
    if refs is not None:
        return "risbench" in refs.parent.resolve().name.lower()
    return _folder(root, IMAGES) is not None and _folder(root, MASKS) is not None and bool(_lists(root))


def splits(root: Path) -> tuple[str, ...]:
    """The splits there are phrases for."""
    return rrsisd.splits(root, source=NAME) if rrsisd.find_refs(root) else tuple(_lists(root))


def read(root: Path, split: str) -> list[Sample]:
    """Samples of one split, in the list's order. Raises DataError where a list is missing or malformed."""
    if rrsisd.find_refs(root):
        return rrsisd.read(root, split, source=NAME)
    images, masks, lists = _folder(root, IMAGES), _folder(root, MASKS), _lists(root)
    if images is None or masks is None or split not in lists:
        raise DataError(f"{root} has no RISBench split {split!r}; expected {EXPECTED}, from {OBTAINED}")
    image_files, mask_files = _files(images, split), _files(masks, split)
    out = []
    for number, phrase in read_phrases(lists[split]):
        stem = Path(number).stem if Path(number).suffix.lower() in SUFFIXES else number
        # A file that is not there keeps its place under a plausible name: data check lists it as missing.
        image = image_files.get(stem, images / f"{stem}.jpg")
        mask = mask_files.get(stem, masks / f"{stem}.png")
        target = MaskFile(mask, above=LOSSY_FOREGROUND if mask.suffix.lower() in LOSSY else 0)
        out.append(Sample(id=stem, phrase=phrase, image=image, split=split, source=NAME, targets=(target,)))
    return out


def _lists(root: Path) -> dict[str, Path]:
    found = {}
    for split in ("train", "val", "test"):
        files = sorted(path for path in root.glob("*.txt") if path.stem.lower().endswith(split))
        if files:
            found[split] = files[0]
    return found


def _folder(root: Path, names: tuple[str, ...]) -> Path | None:
    return next((root / name for name in names if (root / name).is_dir()), None)


def _files(folder: Path, split: str) -> dict[str, Path]:
    """Stem -> file of a folder, or of its folder for the split."""
    return {path.stem: path for path in _walk(folder / split if (folder / split).is_dir() else folder)}


def _walk(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.iterdir()) if path.suffix.lower() in SUFFIXES)
