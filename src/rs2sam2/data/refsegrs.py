"""RefSegRS (4,420 triplets of SkyScapes' imagery at 13 cm).

    <root>/images/<id>.tif    <root>/masks/<id>.tif    <root>/output_phrase_{train,val,test}.txt

The lists have one `<id> <phrase>` a line; line ends are of either kind, blank lines and a byte order mark are skipped.
A mask's foreground is what is brighter than 50. Several objects may answer one phrase; the mask is their union.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rs2sam2.data.masks import MaskFile
from rs2sam2.data.sample import Sample
from rs2sam2.errors import DataError

EXPECTED = "images/<id>.tif + masks/<id>.tif + output_phrase_{train,val,test}.txt"
OBTAINED = "https://huggingface.co/datasets/JessicaYuan/RefSegRS"
NAME = "RefSegRS"
FOREGROUND = 50


def detect(root: Path) -> bool:
    """Whether `root` holds the layout."""
    tif = any((root / "images").glob("*.tif"))  # the same lists with other pictures are RISBench's
    return tif and (root / "masks").is_dir() and bool(splits(root))


def splits(root: Path) -> tuple[str, ...]:
    """The splits there is a phrase list for."""
    return tuple(split for split in ("train", "val", "test") if (root / f"output_phrase_{split}.txt").is_file())


def read(root: Path, split: str) -> list[Sample]:
    """Samples of one split, in the list's order. Raises DataError where the list is missing or malformed."""
    return [
        Sample(
            id=number,
            phrase=phrase,
            image=root / "images" / f"{number}.tif",
            split=split,
            source=NAME,
            targets=(MaskFile(root / "masks" / f"{number}.tif", above=FOREGROUND),),
        )
        for number, phrase in read_phrases(root / f"output_phrase_{split}.txt")
    ]


def read_phrases(path: Path) -> Iterator[tuple[str, str]]:
    """(id, phrase) of each line. Raises DataError naming the line that has no phrase or an id that is a path."""
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")  # as opened, \r\n is \n; U+2028 is text
    except FileNotFoundError:
        raise DataError(f"no phrase list {path}; expected {EXPECTED}, from {OBTAINED}") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 ({error.reason} at byte {error.start}); save it as UTF-8") from None
    for n, line in enumerate(lines, 1):
        if not line.strip():
            continue
        number, *phrase = line.strip().split(maxsplit=1)  # at a space or a tab
        if not phrase or "/" in number or "\\" in number:
            raise DataError(f"{path} line {n}: {line[:60]!r} is not '<id> <phrase>'; correct the line")
        yield number, phrase[0]
