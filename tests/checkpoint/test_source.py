from __future__ import annotations

import json
import os
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from rs2sam2.checkpoint.source import open_source
from rs2sam2.errors import WeightsError

TABLE = {"a": torch.arange(6.0).view(2, 3), "b": torch.ones(500, dtype=torch.bfloat16)}


class Bomb:
    """Unpickling this touches a file."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> object:
        return os.mknod, (str(self.target),)


@pytest.mark.parametrize("wrapped", [TABLE, {"model": TABLE}, {"state_dict": TABLE}, {"module": TABLE}])
def test_torch_files(tmp_path: Path, wrapped: object) -> None:
    torch.save(wrapped, tmp_path / "x.pt")
    source = open_source(tmp_path / "x.pt")
    assert set(source) == {"a", "b"} and torch.equal(source["a"], TABLE["a"])


def test_old_torch_format(tmp_path: Path) -> None:
    torch.save(TABLE, tmp_path / "x.pth", _use_new_zipfile_serialization=False)
    assert torch.equal(open_source(tmp_path / "x.pth")["b"], TABLE["b"])


@pytest.mark.parametrize("name", ["best.pth.tar", "mp_rank_00", "pytorch_model.bin"])
@pytest.mark.parametrize("kind", ["zip", "pickle", "safetensors"])
def test_a_file_is_what_its_bytes_say(tmp_path: Path, name: str, kind: str) -> None:
    if kind == "safetensors":
        save_file(TABLE, tmp_path / name)
    else:
        torch.save({"state_dict": TABLE}, tmp_path / name, _use_new_zipfile_serialization=kind == "zip")
    assert torch.equal(open_source(tmp_path / name)["b"], TABLE["b"])


@pytest.mark.parametrize("new", [True, False])
@pytest.mark.parametrize("name", ["x.bin", "x.pth.tar"])
def test_a_file_that_would_run_code_is_refused_and_runs_nothing(tmp_path: Path, new: bool, name: str) -> None:
    touched = tmp_path / "touched"
    torch.save({"a": TABLE["a"], "evil": Bomb(touched)}, tmp_path / name, _use_new_zipfile_serialization=new)
    with pytest.raises(WeightsError, match=r"would run code.*refused"):
        open_source(tmp_path / name)
    assert not touched.exists()


def test_a_bare_pickle_is_refused_too(tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    (tmp_path / "x.pt").write_bytes(pickle.dumps(Bomb(touched)))
    with pytest.raises(WeightsError):
        open_source(tmp_path / "x.pt")
    assert not touched.exists()


@pytest.mark.parametrize("name", ["x.safetensors", "x.pt"])
@pytest.mark.parametrize("keep", [0, 4, 200, 0.9])
def test_truncated(tmp_path: Path, name: str, keep: float) -> None:
    path = tmp_path / name
    save_file(TABLE, path) if name.endswith("safetensors") else torch.save(TABLE, path)
    content = path.read_bytes()
    path.write_bytes(content[: int(keep * len(content)) if isinstance(keep, float) else keep])
    with pytest.raises(WeightsError, match="download it again"):
        open_source(path)


@pytest.mark.parametrize(
    "content",
    [b"<!doctype html>not found", bytes(100), b"hello\n", b"Gone\n", b"(not found)\n"],
)
def test_what_is_no_checkpoint_is_not_called_dangerous(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.bin").write_bytes(content)
    with pytest.raises(WeightsError, match=r"not a torch checkpoint.*download it again"):
        open_source(tmp_path / "x.bin")


def shards(folder: Path, **changes: str) -> Path:
    save_file({"a": TABLE["a"]}, folder / "one.safetensors")
    save_file({"b": TABLE["b"]}, folder / "two.safetensors")
    index = {"weight_map": {"a": "one.safetensors", "b": "two.safetensors", **changes}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return folder


def test_shards(tmp_path: Path) -> None:
    assert torch.equal(open_source(shards(tmp_path))["b"], TABLE["b"])


def test_an_index_left_over_beside_whole_weights(tmp_path: Path) -> None:
    save_file(TABLE, tmp_path / "model.safetensors")
    for name in ("pytorch_model.bin.index.json", "model.safetensors.index.json"):
        (tmp_path / name).write_text(json.dumps({"weight_map": {"a": "gone.bin"}}))
    assert torch.equal(open_source(tmp_path)["b"], TABLE["b"])


def test_what_the_index_does_not_list_is_not_lost(tmp_path: Path) -> None:
    shards(tmp_path)
    save_file({"b": TABLE["b"], "surprise": TABLE["a"], "a": torch.zeros(1)}, tmp_path / "two.safetensors")
    source = open_source(tmp_path)
    assert set(source) == {"a", "b", "surprise"}
    assert torch.equal(source["a"], TABLE["a"])  # from where the index says


def test_missing_shard_is_named(tmp_path: Path) -> None:
    (shards(tmp_path) / "two.safetensors").unlink()
    with pytest.raises(WeightsError, match=r"lacks 1 of 2 shards: two\.safetensors"):
        open_source(tmp_path)


@pytest.mark.parametrize("file", ["../secret.safetensors", "/etc/passwd.safetensors"])
def test_an_index_may_not_leave_its_folder(tmp_path: Path, file: str) -> None:
    with pytest.raises(WeightsError, match="outside"):
        open_source(shards(tmp_path, b=file))


def test_an_index_that_does_not_fit_its_shards(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="does not hold it"):
        open_source(shards(tmp_path, c="one.safetensors"))
    (tmp_path / "model.safetensors.index.json").write_text("[]")
    with pytest.raises(WeightsError, match="weight_map"):
        open_source(tmp_path)


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no weights at"):
        open_source(tmp_path / "nowhere")
    (tmp_path / "readme.txt").touch()
    with pytest.raises(WeightsError, match=r"found readme\.txt"):
        open_source(tmp_path)
    with pytest.raises(WeightsError, match="unknown kind"):
        open_source(tmp_path / "readme.txt")
    torch.save([1, 2], tmp_path / "list.pt")
    with pytest.raises(WeightsError, match="named tensors"):
        open_source(tmp_path / "list.pt")


def test_prefixes_do_not_collide(tmp_path: Path) -> None:
    save_file({"m.a": torch.ones(1), "a": torch.ones(1)}, tmp_path / "x.safetensors")
    with pytest.raises(WeightsError, match="prefix"):
        open_source(tmp_path / "x.safetensors").strip("m.")
