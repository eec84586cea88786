"""Whether what samples point at is there: seen in seconds, before one missing file ends hours of work.

check_files(data.read("train"))
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from rs2sam2.data.masks import MaskFile
from rs2sam2.data.sample import Sample
from rs2sam2.errors import DataError

NAMED = 3
"""So many problems the error names."""


def check_files(samples: Sequence[Sample]) -> None:
    """Refuse samples whose image or mask file is not there, or whose code or polygons `load_mask` would refuse.

    Each file is looked for once and not opened: a damaged one shows when it is read. Raises DataError, which names
    the first few and says how many.
    """
    problems = list(dict.fromkeys(_problems(samples)))
    if problems:
        raise DataError(
            f"{len(problems)} image files, mask files or annotations of {len(samples)} samples are missing or damaged: "
            f"{', '.join(problems[:NAMED])}{', ...' if len(problems) > NAMED else ''}; "
            "rs2sam2 data check lists them, rs2sam2 data convert --drop-broken leaves their samples out"
        )


def _problems(samples: Sequence[Sample]) -> Iterator[str]:
    is_there = cache(Path.is_file)
    for sample in samples:
        if not is_there(sample.image):
            yield f"no image {sample.image}"
        for target in sample.targets:
            if isinstance(target, MaskFile):
                if not is_there(target.path):
                    yield f"no mask file {target.path}"
                continue
            try:
                target.check()
            except DataError as error:
                yield f"{sample.source} {sample.split} {sample.id}: {error}"
