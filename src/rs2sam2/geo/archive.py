"""Many scenes, one after the other or on many machines: what is to be done, what is done, and doing one of them.

Every scene has a record in DIR/manifest, written when its results are in place. A record says for what it was made (the
scene, the phrases, the options, the weights), so what is done already is known by its record, and a batch that was killed
at any point goes on where it was.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG
from typing import Any, Literal

from rs2sam2.errors import RS2SAM2Error, UsageError
from rs2sam2.geo.identity import Loader
from rs2sam2.geo.options import SceneOptions
from rs2sam2.geo.raster import is_dataset_folder, is_remote, name_of, open_raster
from rs2sam2.geo.segment import DEFAULTS, check_phrases, segment_scene
from rs2sam2.geo.stac import item_path
from rs2sam2.geo.staging import remove_leftovers, staging
from rs2sam2.geo.writers import check_outputs
from rs2sam2.predictor import Predictor

MANIFEST = "manifest"
Status = Literal["done", "failed", "done before"]


@dataclass(frozen=True)
class Job:
    """One scene and where its results go."""

    source: str
    outputs: tuple[Path, ...]
    record: Path


@dataclass(frozen=True)
class Outcome:
    """What became of a scene. ``error`` is one line, where there is one; ``features`` counts all phrases together."""

    source: str
    status: Status
    outputs: tuple[str, ...] = ()
    features: int = 0
    error: str | None = None


@dataclass(frozen=True)
class Batch:
    """What is asked of every scene; can be sent to another process. ``load`` gives the predictor, ``revision`` names it."""

    phrases: tuple[str, ...]
    load: Loader
    model: str | None = None
    revision: str = ""
    dtype: str = "auto"
    """As it was asked for: another one may change the results."""
    options: SceneOptions = DEFAULTS
    aoi: str | None = None
    stac: bool = False

    def __post_init__(self) -> None:
        check_phrases(self.phrases)

    def key(self, job: Job) -> str:
        """Changes with everything that could change the results."""
        from rs2sam2 import __version__

        options = dataclasses.asdict(self.options)
        for speed in ("workers", "batch_size"):
            options.pop(speed)
        stamp = [_stamp(Path(name)) for name in (job.source, self.aoi, *_parts(job.source)) if name is not None]
        asked = [job.source, stamp, self.phrases, options, self.aoi, self.stac, self.model, self.revision, self.dtype,
                 __version__, [p.name for p in job.outputs]]  # fmt: skip
        return hashlib.sha256(json.dumps(asked).encode()).hexdigest()

    def done(self, job: Job) -> bool:
        """Whether a scene's results are in place, made for just this."""
        record = read_record(job.record)
        if record is None or record["status"] != "done" or record["key"] != self.key(job):
            return False
        sizes = record["outputs"]
        return all(p.is_file() and sizes.get(p.name) == p.stat().st_size for p in self._files(job))

    def _files(self, job: Job) -> list[Path]:
        return [*job.outputs, *(item_path(p) for p in job.outputs if self.stac)]

    def run(self, job: Job, predictor: Predictor) -> Outcome:
        """Do one scene. Whatever is wrong with it is its outcome, never an exception, so the others go on."""
        for path in (*job.outputs, job.record):
            remove_leftovers(path)
        key, stamp = self.key(job), _stamp(Path(job.source))  # of the scene as it is now, should it change meanwhile
        try:
            result = segment_scene(
                job.source, self.phrases, job.outputs, predictor=predictor, options=self.options, aoi=self.aoi,
                stac=self.stac, model=self.model, revision=self.revision, keep_features=False,
            )  # fmt: skip
            features = sum(p.features for p in result.phrases)
            if result.unreadable:
                outcome = Outcome(
                    job.source, "failed", tuple(map(str, job.outputs)), features,
                    f"{len(result.unreadable)} parts could not be read and were left empty: {result.unreadable[0]}",
                )  # fmt: skip
            else:
                outcome = Outcome(job.source, "done", tuple(map(str, job.outputs)), features)
        except RS2SAM2Error as error:
            outcome = Outcome(job.source, "failed", error=" ".join(str(error).split()))
        except Exception as error:  # a bug that one scene brings to light must not cost the others
            outcome = Outcome(job.source, "failed", error=f"{type(error).__name__}: {' '.join(str(error).split())}")
        record = {
            "source": job.source, "stamp": stamp, "status": outcome.status, "key": key, "features": outcome.features,
            "error": outcome.error, "outputs": {p.name: p.stat().st_size for p in self._files(job) if p.is_file()},
        }  # fmt: skip
        try:
            with staging([job.record]) as ((path, temporary),):
                text = json.dumps(record, indent=2, ensure_ascii=False) + "\n"
                temporary.write_text(text, encoding="utf-8", errors="backslashreplace")  # of names that are no UTF-8
                temporary.replace(path)
        except (UsageError, OSError) as error:
            return dataclasses.replace(outcome, status="failed", error=f"{job.record} was not written: {error}")
        return outcome


def plan(sources: Sequence[str], folder: Path, suffixes: Sequence[str]) -> list[Job]:
    """A job for every scene, named after it; the same list gives the same names, whatever part of it is done where.

    Paths become absolute, so that they mean the same to every machine that shares the folders.
    Raises UsageError for suffixes that no writer has, a scene named twice, and results that would replace a scene.
    """
    if not sources:
        raise UsageError("no scene was given; name rasters, or folders of them")
    if len(set(sources)) < len(sources):
        twice = next(s for s in sources if list(sources).count(s) > 1)
        raise UsageError(f"{twice} is named twice; name each scene once")
    check_outputs([folder / f"x{suffix}" for suffix in suffixes])
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file; name a folder for the results with -o")
    folder = folder.absolute()
    jobs: list[Job] = []
    taken: set[str] = set()
    for source in sources:
        stem = Path(name_of(source)).stem
        name, n = stem, 2
        while name in taken:
            name, n = f"{stem}-{n}", n + 1
        taken.add(name)
        outputs = tuple(folder / f"{name}{suffix}" for suffix in suffixes)
        path = Path(source)
        jobs.append(
            Job(str(path.absolute()) if _is_there(path) else source, outputs, folder / MANIFEST / f"{name}.json")
        )
    check_outputs([p for job in jobs for p in job.outputs], [s for s in sources if _is_there(Path(s))])
    return jobs


def shard(jobs: Sequence[Job], part: str) -> list[Job]:
    """Every N-th job from the I-th, for ``part`` "I/N" with I from 1. Raises UsageError."""
    number, _, count = part.partition("/")
    if not (number.isdigit() and count.isdigit() and 1 <= int(number) <= int(count)):
        raise UsageError(f"--shard {part!r} is not I/N with I from 1 to N, such as 1/8")
    return list(jobs[int(number) - 1 :: int(count)])


def check_fresh(jobs: Sequence[Job], resume: bool = False) -> None:
    """UsageError where one of these was done before, unless to ``resume``, or another scene of its name was, in any case."""
    for job in jobs:
        record, folder = read_record(job.record), job.record.parent.parent
        if record is not None and not _same_scene(record, job.source):
            raise UsageError(
                f"{folder} holds results of {record['source']} by the name that those of {job.source} would have; name another folder "
                "with -o"
            )
        if job.record.exists() and not resume:
            raise UsageError(
                f"{folder} holds results of {job.source} already; add --resume to do what is missing or has changed, or name "
                "another folder"
            )


def _same_scene(record: dict[str, Any], source: str) -> bool:
    """Whether a record is of this scene: by its path however spelled, or moved; those of older versions cannot tell."""
    other = record.get("source", source)
    if other == source or "stamp" not in record:
        return True
    return os.path.realpath(other) == os.path.realpath(source) or bool(record["stamp"] == _stamp(Path(source)))


def read_record(path: Path) -> dict[str, Any] | None:
    """A record, None where there is none or it is damaged."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) and {"status", "key", "outputs"} <= record.keys() else None


def find_scenes(names: Sequence[str]) -> list[str]:
    """Rasters by name, those in a folder in alphabetical order. Raises UsageError for a folder without any."""
    found: list[str] = []
    for name in names:
        folder = Path(name)
        if is_remote(name) or not folder.is_dir() or is_dataset_folder(folder):
            found.append(name)
            continue
        inside = sorted(str(p) for p in folder.iterdir() if p.suffix.lower() in RASTERS and not p.name.startswith("."))
        if not inside:
            raise UsageError(f"{name} has no raster in it ({', '.join(RASTERS)}); name the scenes")
        found += inside
    return found


def check_apart(names: Sequence[str], folder: Path, suffixes: Sequence[str]) -> None:
    """UsageError where results would be found as scenes the next time."""
    for name in names:
        if set(suffixes) & set(RASTERS) and Path(name).is_dir() and Path(name).resolve() == folder.resolve():
            raise UsageError(
                f"results beside the scenes of {name} would be taken for scenes; name another folder with -o"
            )


RASTERS = (".tif", ".tiff", ".vrt", ".jp2", ".png", ".jpg", ".jpeg", ".img")


def _is_there(path: Path) -> bool:
    """False, too, where nobody may look: what is wrong with one scene is that scene's outcome."""
    return os.path.exists(path)  # noqa: PTH110 - Path.exists raises PermissionError


def _stamp(path: Path) -> list[object]:
    """Size and time of a local file, which tell whether it is still the same."""
    try:
        stat = path.stat()
    except OSError:
        return [str(path)]
    return [stat.st_size, stat.st_mtime_ns] if S_ISREG(stat.st_mode) else [str(path)]


def _parts(source: str) -> list[str]:
    """The other files of a local scene: what a VRT is made of, masks and statistics beside a raster."""
    if "://" in source or source.startswith("/vsi"):
        return []  # to ask costs requests
    try:
        with open_raster(source) as dataset:
            files = [name for name in dataset.files if not is_remote(name)]
    except (RS2SAM2Error, OSError):
        return []
    return sorted(name for name in files if Path(name).absolute() != Path(source).absolute())
