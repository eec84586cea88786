"""What a run tells: `log.jsonl`, TensorBoard's events and, where asked for, wandb or trackio."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from PIL import Image

from rs2sam2.errors import UsageError
from rs2sam2.files import atomic
from rs2sam2.train.events import EventWriter
from rs2sam2.train.recipe import Recipe

LOG = "log.jsonl"


class Journal:
    """Of the process that writes; entries go everywhere at once.

    Every method raises UsageError where the disk is full or the folder cannot be written.
    """

    def __init__(self, folder: Path, recipe: Recipe, step: int) -> None:
        """`step`: entries after it are of a part of the run that was lost, and are removed.

        Raises UsageError where a tracker is asked for that is not installed.
        """
        self.folder = folder
        self._trackers = [
            _Tracker(name, project, recipe) for name in ("wandb", "trackio") if (project := getattr(recipe.log, name))
        ]
        self._cut(step)
        with self._writing():
            self._events = EventWriter(folder, step)

    def numbers(self, kind: str, step: int, values: Mapping[str, float]) -> None:
        """Numbers of one kind ("train", "val") at an optimizer step."""
        entry = {"kind": kind, "step": step, **{k: float(f"{v:.6g}") for k, v in values.items()}}
        with self._writing():
            with (self.folder / LOG).open("a", encoding="utf-8") as file:
                file.write(json.dumps(entry) + "\n")
            for name, value in values.items():
                self._events.scalar(f"{kind}/{name}", value, step)
        for tracker in self._trackers:
            tracker.log({f"{kind}/{name}": value for name, value in values.items()}, step)

    def picture(self, name: str, picture: Image.Image, step: int) -> None:
        """A picture, as pictures/NAME-STEP.png too."""
        buffer = io.BytesIO()
        picture.save(buffer, "PNG")
        with atomic(self.folder / "pictures" / f"{name}-{step:06}.png") as file:
            file.write(buffer.getvalue())
        with self._writing():
            self._events.picture(name, buffer.getvalue(), (picture.height, picture.width), step)

    def close(self) -> None:
        """Finish all."""
        with suppress(OSError):  # every event was flushed; what a full disk refused then has been said
            self._events.close()
        for tracker in self._trackers:
            tracker.finish()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise UsageError(
                f"cannot write the log in {self.folder}: {error.strerror or error}; free space, then --resume"
            ) from None

    def _cut(self, step: int) -> None:
        path = self.folder / LOG
        if not path.exists():
            return
        kept = []
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                entry = json.loads(line)
            except ValueError:  # cut off by a kill
                continue
            if entry.get("step", 0) <= step:
                kept.append(line + "\n")
        with atomic(path) as file:
            file.write("".join(kept).encode())


class _Tracker:
    """Wandb, or trackio, which has the same calls."""

    def __init__(self, package: str, project: str, recipe: Recipe) -> None:
        try:
            self._module: Any = import_module(package)
        except ImportError:
            raise UsageError(f"log.{package} needs the package {package}: pip install 'rs2sam2[{package}]'") from None
        self._module.init(project=project, name=recipe.name, config=recipe.to_dict())

    def log(self, values: Mapping[str, float], step: int) -> None:
        self._module.log(dict(values), step=step)

    def finish(self) -> None:
        self._module.finish()
