"""The files of an evaluation: metrics.json, samples.jsonl, report.html. Equal results give equal files."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rs2sam2.data.sample import Sample
from rs2sam2.errors import UsageError
from rs2sam2.evaluate.records import FILE, Record
from rs2sam2.evaluate.report import report
from rs2sam2.files import write_text


def open_output(folder: Path) -> None:
    """Make the folder, before hours of work. Raises UsageError where that is not possible."""
    import os

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot write to {folder} ({error.strerror}); choose another folder with -o") from None
    if not os.access(folder, os.W_OK):
        raise UsageError(f"no permission to write to {folder}; choose another folder with -o")


def write_results(
    folder: Path,
    records: Sequence[Record],
    samples: Sequence[Sample],
    metrics: dict[str, Any],
    *,
    masks: bool = False,
) -> list[Path]:
    """Write the three files, each whole or not at all; returns their paths. Raises UsageError where that fails."""
    lines = (json.dumps(plain(r.to_dict(masks=masks)), ensure_ascii=False, allow_nan=False) for r in records)
    texts = {
        "metrics.json": json.dumps(plain(metrics), indent=2, ensure_ascii=False, allow_nan=False) + "\n",
        FILE: "".join(line + "\n" for line in lines),
        "report.html": report(records, samples, metrics),
    }
    try:
        for name, text in texts.items():
            write_text(folder / name, text)
    except OSError as error:
        raise UsageError(f"cannot write to {folder} ({error.strerror}); choose another folder with -o") from None
    return [folder / name for name in texts]


def plain(value: Any) -> Any:
    """As JSON has it: what was not measurable (NaN) is null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value
