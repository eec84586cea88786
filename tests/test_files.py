"""Files and folders appear whole or not at all, and an output that cannot be written is one clear line."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from rs2sam2.errors import UsageError
from rs2sam2.files import new_folder, replacing, write_text


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "new" / "x.png"
    with replacing(target) as temporary:
        assert temporary.suffix == ".png" and temporary.parent == target.parent
        temporary.write_bytes(b"half")
        assert not target.exists()
    assert target.read_bytes() == b"half" and names(target.parent) == ["x.png"]


def test_a_folder_appears_when_it_is_whole(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("new/one", "empty"):
        with new_folder(tmp_path / name) as temporary:
            write_text(temporary / "a.txt", "a")
            assert not (tmp_path / name / "a.txt").exists()
        assert (tmp_path / name / "a.txt").read_text() == "a"
    with pytest.raises(UsageError, match="not an empty folder"), new_folder(tmp_path / "empty"):
        pass
    assert names(tmp_path) == ["empty", "new"]


@pytest.mark.parametrize("writing", [replacing, new_folder])
def test_a_failure_leaves_nothing(tmp_path: Path, writing: Callable[[Path], AbstractContextManager[Path]]) -> None:
    with pytest.raises(RuntimeError), writing(tmp_path / "x") as temporary:
        (temporary / "half" if temporary.is_dir() else temporary).write_bytes(b"half")
        raise RuntimeError
    assert not names(tmp_path)
    with pytest.raises(UsageError, match=r"cannot write .*No space left"), writing(tmp_path / "x"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with pytest.raises(FileNotFoundError), writing(tmp_path / "x"):
        (tmp_path / "source").read_bytes()  # what is missing is read, not written
    assert not names(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot write"), writing(tmp_path / "file" / "x"):
        pass
