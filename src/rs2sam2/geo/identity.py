"""Which weights found something: names that are written into every result and decide whether a batch must be done anew."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rs2sam2.checkpoint.folder import CONFIG_FILE, VOCABULARY_NAMES, locate
from rs2sam2.checkpoint.source import WEIGHT_SUFFIXES
from rs2sam2.config import DTypeName
from rs2sam2.errors import VocabularyError
from rs2sam2.predictor import Predictor

ENDS = 1 << 20
"""Bytes hashed at either end of a weight file; its size and its header tell the rest."""

Loader = Callable[[], Predictor]


@dataclass(frozen=True)
class Weights:
    """Arguments of `Predictor.load` that another process can be sent; calling it loads them."""

    weights: str = "nano"
    revision: str | None = None
    subfolder: str | None = None
    vocabulary: str | None = None
    device: str = "auto"
    dtype: DTypeName = "auto"

    def __call__(self) -> Predictor:
        """Load."""
        return Predictor.load(
            self.weights, revision=self.revision, subfolder=self.subfolder, vocabulary=self.vocabulary,
            device=self.device, dtype=self.dtype,
        )  # fmt: skip

    def identity(self) -> str:
        """The hub's commit or a fingerprint of the local files, and after a + that of a vocabulary from elsewhere.

        Raises WeightsError or VocabularyError.
        """
        folder = locate(self.weights, self.revision, self.subfolder)
        commit = next((part for part in folder.parts if re.fullmatch(r"[0-9a-f]{40}", part)), None)
        name = commit or fingerprint(folder)
        if self.vocabulary is None:
            return name
        vocabulary = Path(self.vocabulary)
        if not vocabulary.is_file():
            raise VocabularyError(f"no vocabulary at {vocabulary}; correct --vocabulary")
        return f"{name}+{hashlib.sha256(vocabulary.read_bytes()).hexdigest()[:12]}"


def fingerprint(folder: Path) -> str:
    """Twelve hexadecimal digits that change with a folder's (or file's) weights, configuration and vocabulary."""
    digest = hashlib.sha256()
    files = [folder] if folder.is_file() else sorted(p for p in folder.iterdir() if p.suffix in WEIGHT_SUFFIXES)
    for path in files:
        size = path.stat().st_size
        digest.update(f"{path.name} {size}".encode())
        with path.open("rb") as file:
            digest.update(file.read(ENDS))
            file.seek(max(0, size - ENDS))
            digest.update(file.read(ENDS))
    beside = folder.parent if folder.is_file() else folder
    for path in (beside / name for name in (CONFIG_FILE, *VOCABULARY_NAMES)):
        if path.is_file():
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:12]
