"""Referring data: one `Sample` from every data set, checked, converted, previewed and loaded fast.

    from rs2sam2.data import open_dataset, ReferringDataset
    samples = open_dataset("RRSIS-D").read("train")
    loader = DataLoader(ReferringDataset(samples, size=1024), batch_size=4, num_workers=2)

Importing this package imports nothing else; each name is fetched when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_WHERE = {
    "RLE": "masks",
    "MaskFile": "masks",
    "Polygons": "masks",
    "Target": "masks",
    "Sample": "sample",
    "open_dataset": "registry",
    "check_dataset": "check",
    "usable": "check",
    "contact_sheet": "preview",
    "convert_dataset": "convert",
    "Example": "dataset",
    "ReferringDataset": "dataset",
}
__all__ = sorted(_WHERE)


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)


def __dir__() -> list[str]:
    return __all__
