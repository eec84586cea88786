from __future__ import annotations

import dataclasses
import json
import shutil
from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

import toy_layouts
from rs2sam2 import presets
from rs2sam2.checkpoint.folder import load_model, open_folder
from rs2sam2.checkpoint.layouts import CONFIG_KEY, released_plan, resize_positions, start_plan
from rs2sam2.checkpoint.source import Source, open_source
from rs2sam2.checkpoint.tables import BEIT3, RELEASED, SAM2, Renamer
from rs2sam2.cli import run
from rs2sam2.config import RS2SAM2Config
from rs2sam2.errors import WeightsError
from rs2sam2.model.rs2sam2 import RS2SAM2
from rs2sam2.presets import ABLATIONS, EVF_PROCESSOR
from toys import TOY, TOY_LITE, randomise

SHARED = Path(__file__).resolve().parents[2].parent / "shared"


def same_model(a: RS2SAM2, b: RS2SAM2) -> bool:
    """Equal to the last bit, the preset's name aside."""
    expected = b.state_dict()
    return dataclasses.replace(a.config, name="") == dataclasses.replace(b.config, name="") and all(
        torch.equal(tensor, expected[name]) for name, tensor in a.state_dict().items()
    )


@pytest.fixture
def model(toy_config: RS2SAM2Config) -> RS2SAM2:
    """A toy of the released architecture at the released resolution, which the weights do not tell."""
    return randomise(RS2SAM2(dataclasses.replace(toy_config, image_size=1024)))


def write_folder(folder: Path, table: dict[str, torch.Tensor], vocabulary: Path, kind: str) -> Path:
    folder.mkdir()
    shutil.copy(vocabulary, folder / "sentencepiece.bpe.model")
    (folder / "config.json").write_text(json.dumps({"model_type": "evf"}))
    names = sorted(table)
    halves = [names[: len(names) // 2], names[len(names) // 2 :]]
    if kind == "safetensors":
        save_file(table, folder / "model.safetensors")
    elif kind == "bin":
        torch.save(table, folder / "pytorch_model.bin")
    elif kind == "sharded bin":
        for i, half in enumerate(halves):
            torch.save({n: table[n] for n in half}, folder / f"pytorch_model-{i}.bin")
        index = {"weight_map": {n: f"pytorch_model-{i}.bin" for i, half in enumerate(halves) for n in half}}
        (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    elif kind == "sharded safetensors":
        for i, half in enumerate(halves):
            save_file({n: table[n] for n in half}, folder / f"model-{i}.safetensors")
        index = {"weight_map": {n: f"model-{i}.safetensors" for i, half in enumerate(halves) for n in half}}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return folder


@pytest.mark.parametrize("kind", ["safetensors", "bin", "sharded bin", "sharded safetensors"])
def test_released_folder(tmp_path: Path, model: RS2SAM2, toy_vocabulary: Path, kind: str) -> None:
    folder = write_folder(tmp_path / "released", toy_layouts.released(model), toy_vocabulary, kind)
    assert run(["import-weights", str(folder), "-o", str(tmp_path / "ours")]) == 0
    ours = RS2SAM2.from_pretrained(tmp_path / "ours")
    assert same_model(ours, model)
    assert (tmp_path / "ours" / "vocabulary.spm").read_bytes() == toy_vocabulary.read_bytes()
    assert same_model(RS2SAM2.from_pretrained(folder), model)  # without importing first, too


def test_drops_are_listed_with_their_reason(tmp_path: Path, model: RS2SAM2, toy_vocabulary: Path) -> None:
    folder = write_folder(tmp_path / "released", toy_layouts.released(model), toy_vocabulary, "safetensors")
    dropped = open_folder(folder).plan.dropped
    assert len(dropped) == len(toy_layouts.VIDEO) + 8
    assert dropped["meo_linear.weight"] == "never used by the released system"
    assert all(dropped.values())


@pytest.mark.parametrize(("names", "used", "dropped"), [("checkpoint", 2668, 185), ("evf_sam2", 1711, 164)])
def test_every_published_entry_is_used_or_dropped(names: str, used: int, dropped: int) -> None:
    file = SHARED / "reference" / f"{names}_keys.json"
    if not file.is_file():
        pytest.skip("the names in the released checkpoints are not on this machine")
    shapes = json.loads(file.read_text())
    plan = released_plan(Source(names, {n: partial(torch.empty, s, device="meta") for n, s in shapes.items()}, {}))
    assert (len(plan.tensors), len(plan.dropped)) == (used, dropped)  # as docs/weights.md says


def test_merged_deepspeed_file(tmp_path: Path, model: RS2SAM2, toy_vocabulary: Path) -> None:
    table = {f"module.evf_model.{name}": t for name, t in toy_layouts.released(model).items()}
    torch.save(table, tmp_path / "pytorch_model.bin")
    command = ["import-weights", str(tmp_path / "pytorch_model.bin"), "--vocabulary", str(toy_vocabulary)]
    assert run([*command, "-o", str(tmp_path / "ours")]) == 0
    assert same_model(RS2SAM2.from_pretrained(tmp_path / "ours"), model)


def test_zero_shards_are_explained(tmp_path: Path) -> None:
    (tmp_path / "global_step10").mkdir()
    (tmp_path / "global_step10" / "zero_pp_rank_0_mp_rank_00_optim_states.pt").touch()
    with pytest.raises(WeightsError, match="merge them first"):
        open_source(tmp_path)


def test_evf_sam2(tmp_path: Path, toy_config: RS2SAM2Config, toy_vocabulary: Path) -> None:
    decoder = dataclasses.replace(toy_config.decoder, masks="best_of_three")
    config = dataclasses.replace(
        toy_config,
        name="evf-sam2",
        image_size=1024,
        decoder=decoder,
        processor=EVF_PROCESSOR,
        hide_unknown=False,
        **ABLATIONS["baseline"],
    )
    model = randomise(RS2SAM2(config))
    folder = write_folder(tmp_path / "evf", toy_layouts.released(model), toy_vocabulary, "bin")
    plan = open_folder(folder).plan
    assert plan.config.processor == EVF_PROCESSOR and plan.config.decoder.masks == "best_of_three"
    assert not plan.config.hide_unknown
    assert same_model(load_model(plan), model)


@pytest.mark.parametrize("version", ["2.0", "2.1"])
def test_start_from_sam2_and_beit3(
    tmp_path: Path, toy_config: RS2SAM2Config, toy_vocabulary: Path, version: str
) -> None:
    config = dataclasses.replace(toy_config, image_size=64)
    torch.save({"model": toy_layouts.sam2(config, version=version)}, tmp_path / "sam2.pt")
    torch.save({"model": toy_layouts.beit3(config)}, tmp_path / "beit3.pth")
    command = [
        "import-weights",
        str(tmp_path / "sam2.pt"),
        "--beit3",
        str(tmp_path / "beit3.pth"),
        "--image-size",
        "64",
    ]
    command += ["--beit3-image-size", "48", "--vocabulary", str(toy_vocabulary), "-o", str(tmp_path / "start")]
    assert run(command) == 0
    model = RS2SAM2.from_pretrained(tmp_path / "start")
    assert model.config.beit3.grid == 6 and model.beit3.vision_positions.shape[0] == 3 + 36
    sam2 = torch.load(tmp_path / "sam2.pt", weights_only=True)["model"]
    assert torch.equal(model.trunk.blocks[0].norm1.weight, sam2["image_encoder.trunk.blocks.0.norm1.weight"])
    assert torch.equal(model.neck.laterals[0].bias, sam2["image_encoder.neck.convs.3.conv.bias"])
    block = model.trunk.blocks[0]
    assert not block.text_adapter.up.weight.any() and block.text_adapter.down.weight.std() > 0
    assert all(p.isfinite().all() for p in model.parameters())
    again = tmp_path / "again"
    assert run([*command[:-1], str(again)]) == 0  # what starts fresh is seeded
    assert (again / "model.safetensors").read_bytes() == (tmp_path / "start" / "model.safetensors").read_bytes()


def test_start_from_files_with_prefixes(tmp_path: Path, toy_config: RS2SAM2Config, toy_vocabulary: Path) -> None:
    tables = {"sam2.pt": toy_layouts.sam2(toy_config), "beit3.pth": toy_layouts.beit3(toy_config)}
    for name, table in tables.items():
        torch.save({"model": {f"module.{key}": tensor for key, tensor in table.items()}}, tmp_path / name)
    command = ["import-weights", str(tmp_path / "sam2.pt"), "--beit3", str(tmp_path / "beit3.pth")]
    command += ["--vocabulary", str(toy_vocabulary), "-o", str(tmp_path / "start")]
    assert run([*command, "--image-size", "64", "--beit3-image-size", "32"]) == 0
    model = RS2SAM2.from_pretrained(tmp_path / "start")
    assert torch.equal(model.beit3.text_embedding.weight, tables["beit3.pth"]["beit3.text_embed.weight"])
    with pytest.raises(WeightsError, match="BEiT-3 alone"):
        open_folder(tmp_path / "beit3.pth")


def test_half_a_model_is_explained(tmp_path: Path, toy_config: RS2SAM2Config) -> None:
    torch.save({"model": toy_layouts.sam2(toy_config)}, tmp_path / "sam2.pt")
    with pytest.raises(WeightsError, match=r"SAM2 alone.*--beit3"):
        open_folder(tmp_path / "sam2.pt")
    torch.save({"model": toy_layouts.beit3(toy_config)}, tmp_path / "beit3.pth")
    with pytest.raises(WeightsError, match="BEiT-3 alone"):
        open_folder(tmp_path / "beit3.pth")


def test_export_is_the_way_back(tmp_path: Path, model: RS2SAM2, toy_vocabulary: Path) -> None:
    table = toy_layouts.released(model)
    folder = write_folder(tmp_path / "released", table, toy_vocabulary, "safetensors")
    assert run(["import-weights", str(folder), "-o", str(tmp_path / "ours")]) == 0
    assert run(["export-weights", str(tmp_path / "ours"), "-o", str(tmp_path / "back")]) == 0
    back = open_source(tmp_path / "back")
    assert set(back) == set(table) - set(open_folder(folder).plan.dropped)
    assert all(torch.equal(back[name], table[name]) for name in back)
    assert (tmp_path / "back" / "sentencepiece.bpe.model").exists()
    assert json.loads((tmp_path / "back" / "config.json").read_text())["model_type"] == "evf"


@pytest.mark.parametrize(
    "change",
    [
        {"presence": True, "image_size": 64, "hide_unknown": False},
        {"decoder": dataclasses.replace(TOY.decoder, heads=4)},
        *ABLATIONS.values(),
    ],
)
def test_the_way_back_keeps_what_tensors_do_not_tell(
    change: dict[str, object], tmp_path: Path, toy_config: RS2SAM2Config, toy_vocabulary: Path
) -> None:
    model = randomise(RS2SAM2(dataclasses.replace(toy_config, **change)))
    model.save_pretrained(tmp_path / "ours", vocabulary=toy_vocabulary)
    assert run(["export-weights", str(tmp_path / "ours"), "-o", str(tmp_path / "theirs")]) == 0
    assert run(["import-weights", str(tmp_path / "theirs"), "-o", str(tmp_path / "again")]) == 0
    again = RS2SAM2.from_pretrained(tmp_path / "again")
    assert again.config == model.config and same_model(again, model)
    assert CONFIG_KEY not in open_folder(tmp_path / "theirs").metadata  # shown as configuration, not as provenance


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("[" * 100_000, "configuration in its metadata cannot be used .*not JSON"),
        ("{}", "configuration in its metadata cannot be used .*'format' is not 'rs2sam2'"),
        (TOY_LITE.to_json(), "lacks .*stem"),
        (dataclasses.replace(TOY, beit3=dataclasses.replace(TOY.beit3, ffn=32)).to_json(), "has shape"),
        (dataclasses.replace(TOY, beit3=dataclasses.replace(TOY.beit3, ffn=10**30)).to_json(), "cannot be built"),
    ],
)
def test_a_configuration_in_metadata_must_fit(tmp_path: Path, model: RS2SAM2, said: str, message: str) -> None:
    save_file(toy_layouts.released(model), tmp_path / "model.safetensors", {CONFIG_KEY: said})
    with pytest.raises(WeightsError, match=message):
        open_folder(tmp_path)


def test_numbers_that_are_not_written_are_said(
    tmp_path: Path, model: RS2SAM2, toy_vocabulary: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = toy_layouts.released(model)
    table["mask_linear.weight"] = table["mask_linear.weight"].to(torch.float8_e4m3fn)
    folder = write_folder(tmp_path / "released", table, toy_vocabulary, "safetensors")
    assert run(["import-weights", str(folder), "-o", str(tmp_path / "ours")]) == 5
    assert "mask_prompt.linear.weight is of type float8_e4m3fn" in capsys.readouterr().err


def test_lite_models_have_no_released_layout(
    tmp_path: Path, toy_vocabulary: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    randomise(RS2SAM2(TOY_LITE)).save_pretrained(tmp_path / "lite", vocabulary=toy_vocabulary)
    assert run(["export-weights", str(tmp_path / "lite"), "-o", str(tmp_path / "back")]) == 5
    assert "Hiera trunk" in capsys.readouterr().err
    assert not (tmp_path / "back").exists()


def test_the_bundled_model_is_of_another_family(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["export-weights", "nano", "-o", str(tmp_path / "back")]) == 5
    assert "object-first" in capsys.readouterr().err
    assert not (tmp_path / "back").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.pop("mask_linear.weight"), "lacks 1 entries.*mask_prompt.linear.weight"),
        (lambda t: t.update(surprise=torch.zeros(1)), "1 unknown entries.*surprise"),
        (lambda t: t.update({"mask_linear.bias": torch.zeros(3)}), r"mask_prompt.linear.bias has shape \(3,\)"),
        (lambda t: t.pop("visual_model.image_encoder.trunk.blocks.3.norm1.weight"), "no published Hiera"),
    ],
)
def test_strict(tmp_path: Path, model: RS2SAM2, change: object, message: str) -> None:
    table = toy_layouts.released(model)
    change(table)  # type: ignore[operator]
    save_file(table, tmp_path / "model.safetensors")
    with pytest.raises(WeightsError, match=message):
        released_plan(open_source(tmp_path))


def test_tables_read_the_same_in_both_directions() -> None:
    for table in (RELEASED, SAM2, BEIT3):
        renamer = Renamer(table)
        for theirs, ours in table:
            leaf = "" if theirs.endswith("=") else ".weight"
            example_theirs, example_ours = (x.rstrip("=").replace("{}", "7") + leaf for x in (theirs, ours))
            assert renamer.to_ours(example_theirs) == example_ours
            assert renamer.to_theirs(example_ours) == example_theirs


def test_positions_resize_keeps_the_first_rows_and_constants() -> None:
    table = torch.cat([torch.arange(3.0)[:, None].expand(3, 4), torch.full((16, 4), 5.0)])
    resized = resize_positions(table, 6)
    assert torch.equal(resized[:3], table[:3]) and resized.shape == (39, 4)
    assert torch.allclose(resized[3:], torch.full((36, 4), 5.0), atol=1e-5)
    assert resize_positions(table, 4) is table


def test_plans_name_published_sizes(tmp_path: Path, toy_config: RS2SAM2Config) -> None:
    torch.save({"model": toy_layouts.sam2(toy_config)}, tmp_path / "sam2.pt")
    torch.save({"model": toy_layouts.beit3(toy_config)}, tmp_path / "beit3.pth")
    plan = start_plan(open_source(tmp_path / "sam2.pt"), open_source(tmp_path / "beit3.pth"), 64, 32)
    assert plan.config.name == "hiera-toy" and plan.config.trunk == presets.HIERA["hiera-toy"]
    assert plan.fresh and not any("norm1" in name for name in plan.fresh)
