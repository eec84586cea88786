"""Opens a data set by its path: which layout it is, is seen from what lies there.

data = open_dataset("RRSIS-D")        # or RefSegRS, RISBench, the open format
data.layout.name, data.splits()       # "rrsisd", ("train", "val", "test")
samples = data.read("val")            # list[Sample]
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from rs2sam2.data import refs, refsegrs, risbench, rrsisd
from rs2sam2.data.sample import Sample
from rs2sam2.errors import DataError, UsageError


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How a kind of data set lies on disk, and its reader."""

    name: str
    title: str
    expected: str
    obtained: str
    detect: Callable[[Path], bool]
    splits: Callable[[Path], tuple[str, ...]]
    read: Callable[[Path, str], list[Sample]]


def _layout(name: str, title: str, module: ModuleType) -> Layout:
    parts = {key: getattr(module, key) for key in ("detect", "splits", "read")}
    return Layout(
        name=name,
        title=title,
        expected=module.EXPECTED,
        obtained=module.OBTAINED,
        **parts,
    )


LAYOUTS = (
    _layout("refs", "rs2sam2 refs", refs),
    _layout("refsegrs", "RefSegRS", refsegrs),
    _layout("risbench", "RISBench", risbench),
    _layout("rrsisd", "RRSIS-D", rrsisd),
)
"""In the order in which they are tried: RefSegRS's folders would do for RISBench, and RISBench's for RRSIS-D."""


@dataclass(frozen=True)
class Dataset:
    """A folder whose layout is known."""

    root: Path
    layout: Layout

    def splits(self) -> tuple[str, ...]:
        """The splits there are. Raises DataError where the files that name them are damaged."""
        return self.layout.splits(self.root)

    def read(self, split: str) -> list[Sample]:
        """Samples of one split. Raises UsageError where there is no such split, DataError where it is damaged."""
        if split not in self.splits():
            raise UsageError(
                f"{self.root} ({self.layout.title}) has no split {split!r}; choose one of {', '.join(self.splits())}"
            )
        return self.layout.read(self.root, split)


def open_dataset(path: str | Path, layout: str | None = None) -> Dataset:
    """The data set in the folder `path`, of the layout seen there or named by `layout`.

    Raises DataError where nothing known lies there, saying what was expected, what was found and where each data set
    is obtained; UsageError where `layout` is not one of the known names.
    """
    root = Path(path)
    known = {item.name: item for item in LAYOUTS}
    if layout is not None and layout not in known:
        raise UsageError(f"no layout {layout!r}; choose one of {', '.join(known)}")
    tried = [known[layout]] if layout else list(LAYOUTS)
    for item in tried:
        if root.is_dir() and item.detect(root):
            return Dataset(root, item)
    raise DataError(_wrong_path(root, tried))


def _wrong_path(root: Path, tried: list[Layout]) -> str:
    expected = "; ".join(f"{item.title}: {item.expected} ({item.obtained})" for item in tried)
    if not root.exists():
        return f"there is no {root}; expected a folder with one of: {expected}"
    if not root.is_dir():
        return f"{root} is a file; give the folder it lies in; expected one of: {expected}"
    near = [
        folder
        for folder in (*sorted(p for p in root.iterdir() if p.is_dir()), root.parent)
        if any(i.detect(folder) for i in tried)
    ]
    hint = f"did you mean {near[0]}? " if near else ""
    entries = sorted(f"{p.name}/" if p.is_dir() else p.name for p in root.iterdir())
    found = (
        ", ".join(entries[:8]) + (f" and {len(entries) - 8} more" if len(entries) > 8 else "") if entries else "nothing"
    )
    return f"{root} holds {found}; {hint}expected one of: {expected}"
