"""Names of weights change with everything that changes their answers."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from rs2sam2.errors import VocabularyError
from rs2sam2.geo.identity import Weights


def test_what_changes_the_answers_changes_the_name(tmp_path: Path) -> None:
    folder = tmp_path / "weights"
    folder.mkdir()
    names = ("config.json", "model.safetensors", "vocabulary.spm")
    for name in names:
        (folder / name).write_text(f'{{"name": "{name}"}}')
    for weights in (folder, folder / "model.safetensors"):
        seen = {Weights(str(weights)).identity()}
        for count, name in enumerate(names, 2):
            (folder / name).write_text((folder / name).read_text() + " ")
            seen.add(Weights(str(weights)).identity())
            assert len(seen) == count, name
    (folder / "notes.txt").touch()
    assert Weights(str(folder)).identity() == Weights(str(shutil.copytree(folder, tmp_path / "copy"))).identity()


def test_a_vocabulary_from_elsewhere_is_part_of_the_name(tmp_path: Path) -> None:
    commit = tmp_path / ("0123456789" * 4)
    commit.mkdir()
    (commit / "model.safetensors").touch()
    other = tmp_path / "other.spm"
    assert Weights(str(commit)).identity() == commit.name
    with pytest.raises(VocabularyError, match="no vocabulary at"):
        Weights(str(commit), vocabulary=str(other)).identity()
    seen = set()
    for content in ("a", "b"):
        other.write_text(content)
        seen.add(Weights(str(commit), vocabulary=str(other)).identity())
    assert len(seen) == 2 and all(name.startswith(f"{commit.name}+") for name in seen)
