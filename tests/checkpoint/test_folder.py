from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from rs2sam2.checkpoint.files import write_safetensors
from rs2sam2.checkpoint.folder import is_object_first, load_model, locate, open_folder
from rs2sam2.config import RS2SAM2Config
from rs2sam2.errors import UsageError, VocabularyError, WeightsError
from rs2sam2.files import atomic
from rs2sam2.model.rs2sam2 import RS2SAM2
from toys import inputs, randomise


def test_save_and_load_is_the_identity(toy_folder: Path, toy_config: RS2SAM2Config) -> None:
    saved, loaded = randomise(RS2SAM2(toy_config)), RS2SAM2.from_pretrained(toy_folder)
    assert loaded.config == toy_config and not loaded.training
    expected = saved.state_dict()
    assert all(torch.equal(t, expected[n]) for n, t in loaded.state_dict().items())
    assert sorted(p.name for p in toy_folder.iterdir()) == ["config.json", "model.safetensors", "vocabulary.spm"]


def test_stored_in_half_precision_loaded_in_single(tmp_path: Path, toy_config: RS2SAM2Config) -> None:
    model = randomise(RS2SAM2(toy_config))
    model.save_pretrained(tmp_path / "half", dtype=torch.float16)
    loaded = RS2SAM2.from_pretrained(tmp_path / "half")
    assert {t.dtype for t in loaded.state_dict().values()} == {torch.float32}
    # the random matrix of the position codes is never rounded
    assert torch.equal(loaded.prompt_encoder.gaussian, model.prompt_encoder.gaussian)
    image, beit3 = inputs(toy_config, 1)
    with torch.inference_mode():
        a, b = (m(image, beit3, torch.tensor([[0, 5, 2]])).mask_logits for m in (model, loaded))
    assert 0 < (a - b).abs().max() < 0.2 * a.std()


def test_loading_in_bfloat16(toy_folder: Path) -> None:
    model = RS2SAM2.from_pretrained(toy_folder, dtype=torch.bfloat16)
    assert {n for n, t in model.state_dict().items() if t.dtype != torch.bfloat16} == {"prompt_encoder.gaussian"}


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="needs Linux's list of mapped files")
def test_float32_weights_are_mapped_not_copied(toy_folder: Path) -> None:
    model = load_model(open_folder(toy_folder).plan)
    mapped = [m.split() for m in Path("/proc/self/maps").read_text().splitlines() if m.endswith("model.safetensors")]
    ranges = [tuple(int(x, 16) for x in m[0].split("-")) for m in mapped if str(toy_folder) in m[-1]]
    for name, parameter in model.named_parameters():
        assert any(start <= parameter.data_ptr() < end for start, end in ranges), name


def test_a_loaded_model_can_be_trained(toy_folder: Path, toy_config: RS2SAM2Config) -> None:
    model = RS2SAM2.from_pretrained(toy_folder).train()
    image, beit3 = inputs(toy_config, 1)
    model(image, beit3, torch.tensor([[0, 5, 2]])).mask_logits.sum().backward()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    before = (toy_folder / "model.safetensors").read_bytes()
    optimizer.step()
    assert (toy_folder / "model.safetensors").read_bytes() == before  # mapped copy-on-write


def test_truncated_and_foreign_weights(toy_folder: Path, toy_config: RS2SAM2Config) -> None:
    path = toy_folder / "model.safetensors"
    content = path.read_bytes()
    path.write_bytes(content[:-100])
    with pytest.raises(WeightsError, match="truncated"):
        open_folder(toy_folder)
    save_file({"layer.weight": torch.ones(2)}, path)
    with pytest.raises(WeightsError, match="lacks"):
        open_folder(toy_folder)
    (toy_folder / "config.json").write_text("{")
    with pytest.raises(WeightsError, match=r"without format 'rs2sam2'.*layer\.weight"):
        open_folder(toy_folder)
    (toy_folder / "config.json").unlink()
    with pytest.raises(WeightsError, match=r"neither ours \(no config.*layer\.weight"):
        open_folder(toy_folder)


def test_a_changed_configuration_is_noticed(toy_folder: Path) -> None:
    config = json.loads((toy_folder / "config.json").read_text())
    config["decoder"]["mlp"] = 128
    (toy_folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(WeightsError, match="has shape"):
        open_folder(toy_folder)
    config["decoder"]["mlps"] = 128
    (toy_folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(WeightsError, match=r"unknown decoder\.mlps"):
        open_folder(toy_folder)


def test_locate(toy_folder: Path) -> None:
    assert locate(toy_folder) == toy_folder
    assert locate(toy_folder.parent, subfolder="toy") == toy_folder
    with pytest.raises(WeightsError, match="no folder 'x'"):
        locate(toy_folder, subfolder="x")
    with pytest.raises(WeightsError, match="no weights at"):
        locate("no/such/folder")
    assert (locate("nano") / "config.json").is_file()
    with pytest.raises(UsageError, match="no revision 'v1' is kept"):
        locate(toy_folder, revision="v1")
    for only in ({"revision": "v1"}, {"subfolder": "x"}):
        with pytest.raises(UsageError, match="no revision or subfolder"):
            locate("nano", **only)


def test_what_lies_in_the_current_folder_does_not_replace_the_bundled_weights(
    toy_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(toy_folder, tmp_path / "nano")
    monkeypatch.chdir(tmp_path)
    assert is_object_first(locate("nano"))
    assert (locate("./nano"), locate(Path("nano"))) == (Path("nano"), Path("nano"))


def test_the_file_of_an_object_first_model_stands_for_its_folder(toy_folder: Path) -> None:
    assert locate(locate("nano") / "model.safetensors") == locate("nano")
    assert locate(toy_folder / "model.safetensors") == toy_folder / "model.safetensors"  # says itself what it is


def test_the_hub_is_not_asked_when_offline(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"not on this machine.*HF_HUB_OFFLINE.*local folder"):
        locate("someone/something")


def test_hub_cache_is_used_offline(
    tmp_path: Path, toy_folder: Path, monkeypatch: pytest.MonkeyPatch, toy_config: RS2SAM2Config
) -> None:
    """A repository that was downloaded before, laid out as the hub's client lays it out."""
    from huggingface_hub import constants

    commit = "0123456789abcdef0123456789abcdef01234567"
    repository = tmp_path / "hub" / "models--someone--toys"
    shutil.copytree(toy_folder, repository / "snapshots" / commit / "small")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub._snapshot_download.constants", constants, raising=False)
    assert RS2SAM2.from_pretrained("someone/toys", subfolder="small").config == toy_config
    assert RS2SAM2.from_pretrained("someone/toys", subfolder="small", revision=commit).config == toy_config
    with pytest.raises(WeightsError, match="no folder 'large'"):
        locate("someone/toys", subfolder="large")


def test_writer_makes_what_the_library_reads(tmp_path: Path) -> None:
    table = {
        "a": torch.randn(3, 4),
        "b": torch.randn(5).bfloat16(),
        "c": torch.tensor(7),
        "d": torch.zeros(0, 2),
        "e": torch.tensor([True, False]),
        "f": torch.randn(4, 6).half().T,
    }
    shapes = {n: (t.dtype, tuple(t.shape)) for n, t in table.items()}
    write_safetensors(tmp_path / "x.safetensors", shapes, table.__getitem__, {"key": "value"})
    loaded = load_file(tmp_path / "x.safetensors")
    assert set(loaded) == set(table) and all(torch.equal(loaded[n], table[n]) for n in table)


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), atomic(tmp_path / "x") as file:
        file.write(b"half")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot write"), atomic(tmp_path / "file" / "x"):
        pass


def test_push_to_hub_uploads_a_saved_folder(toy_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    seen = {}

    class Api:
        def __init__(self, token: str | None) -> None:
            seen["token"] = token

        def create_repo(self, repo_id: str, private: bool, exist_ok: bool) -> None:
            seen["repo"] = (repo_id, private, exist_ok)

        def upload_folder(self, repo_id: str, folder_path: str) -> object:
            seen["files"] = sorted(p.name for p in Path(folder_path).iterdir())
            return type("Commit", (), {"commit_url": "somewhere"})

    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    model = RS2SAM2.from_pretrained(toy_folder)
    assert model.push_to_hub("me/toy", vocabulary=toy_folder / "vocabulary.spm", private=True, token="t") == "somewhere"
    assert seen == {
        "token": "t",
        "repo": ("me/toy", True, True),
        "files": ["config.json", "model.safetensors", "vocabulary.spm"],
    }


def test_a_missing_vocabulary_is_noticed_before_anything_is_written(
    toy_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = RS2SAM2.from_pretrained(toy_folder)
    with pytest.raises(VocabularyError, match="no vocabulary at"):
        model.save_pretrained(tmp_path / "new", vocabulary=tmp_path / "no.spm")
    assert not (tmp_path / "new").exists()
    model.save_pretrained(tmp_path / "new", vocabulary=str(toy_folder / "vocabulary.spm"))
    assert open_folder(tmp_path / "new").vocabulary == tmp_path / "new" / "vocabulary.spm"
    monkeypatch.setattr("huggingface_hub.HfApi.create_repo", lambda *_, **__: pytest.fail("created"))
    with pytest.raises(VocabularyError, match="no vocabulary at"):
        model.push_to_hub("me/toy", vocabulary="no.spm")
