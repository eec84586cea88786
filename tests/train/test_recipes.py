"""Every recipe of the package starts from the command line on generated data, with its model shrunk and nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import fake_sets
import pytest
import torch
import toy_imagery
from toy_runs import log, shrunk

import toy_layouts
from rs2sam2 import presets
from rs2sam2.cli import run
from rs2sam2.config import RS2SAM2Config
from rs2sam2.errors import UsageError
from rs2sam2.predictor import Predictor
from rs2sam2.train.recipe import find_recipe, load_recipe, parse_overrides, recipe_from_dict, recipes
from toys import TOY_BEIT3


@pytest.fixture(scope="session")
def nwpu_ref(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made by the builder from generated COCO labels, as NWPU-Ref is made."""
    folder = tmp_path_factory.mktemp("nwpu")
    (folder / "images").mkdir()
    for split, start in (("train", 0), ("val", 50)):
        images, annotations = [], []
        for n in range(start, start + 5):
            fake_sets.picture(n).save(folder / "images" / f"{n}.jpg")
            images.append({"id": n, "file_name": f"{n}.jpg", "height": 64, "width": 64})
            for k, (x, y) in enumerate(((6, 8), (40, 44))):
                ring = [x, y, x + 14, y, x + 14, y + 10 + 4 * k, x, y + 10 + 4 * k]
                annotations.append(
                    {"id": 2 * n + k, "image_id": n, "category_id": k + 1, "segmentation": [ring], "iscrowd": 0}
                    | {"bbox": [x, y, 14, 10 + 4 * k], "area": 140 + 56 * k}
                )
        categories = [{"id": 1, "name": "ship"}, {"id": 2, "name": "bridge"}]
        coco = {"images": images, "annotations": annotations, "categories": categories}
        (folder / f"instances_{split}.json").write_text(json.dumps(coco))
    files = [str(folder / f"instances_{split}.json") for split in ("train", "val")]
    code = run(
        ["data", "make-refs", "--coco", *files, "--split", "train", "val", "--images", str(folder / "images"),
         "-o", str(folder / "refs")]
    )  # fmt: skip
    assert code == 0
    return folder / "refs"


@pytest.fixture(scope="session")
def imagery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every folder that the recipe of the bundled model names."""
    folder = tmp_path_factory.mktemp("imagery")
    data = load_recipe("nano").options.data
    for pool in data.pools.values():
        toy_imagery.write_pool(folder, pool)
    toy_imagery.write_layouts(folder / data.layouts)
    return folder


@pytest.mark.parametrize("name", sorted(recipes()))
def test_every_recipe_trains_validates_and_saves(
    name: str,
    rrsisd: Path,
    refsegrs: Path,
    nwpu_ref: Path,
    imagery: Path,
    toy_vocabulary: Path,
    picture: Path,
    tmp_path: Path,
) -> None:
    root = {"rrsisd": rrsisd, "refsegrs": refsegrs, "nwpu": nwpu_ref, "nano": imagery}[name.split("-")[0]]
    overrides = (
        # what the package outlines is about the real pictures
        [
            *toy_imagery.QUICK,
            f"--data.refs={nwpu_ref}",
            "--data.pools.nwpu.also=[]",
            "--data.pools.scenes.also=[]",
            "--data.pools.ground.also=[]",
        ]
        if name == "nano"
        else shrunk(toy_vocabulary, lite=name == "nwpu-nano")
    )
    out = tmp_path / "run"
    assert run(["train", name, f"--data.root={root}", *overrides, "--steps=2", "-o", str(out)]) == 0
    (entry,) = log(out, "train")
    assert entry["step"] == 2 and entry["loss_total"] > 0
    scores = log(out, "val")[-1]
    assert scores["step"] == 2 and 0 <= scores["mIoU"] <= 1
    for kept in ("last", "best"):
        result = Predictor.load(out / kept).predict(picture, "the ship")[0]
        assert (result.presence is not None) == (name in ("rrsisd-plus", "nwpu-nano", "nano"))
    run_json = json.loads((out / "run.json").read_text())
    assert run_json["recipe"]["name"] == name and run_json["steps"] == 2
    assert run_json["data"]["train"].split(" samples")[0].isdigit()
    assert list(out.glob("events.out.tfevents.*")) and list((out / "pictures").glob("val-*.png"))
    assert not list(out.rglob("*.tmp*"))


def test_a_start_from_imported_weights(
    toy_config: RS2SAM2Config, toy_vocabulary: Path, rrsisd: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SAM2 and BEiT-3 through the importer; nothing of the model is overridden, since the weights say what it is."""
    monkeypatch.setitem(presets.HIERA, "hiera-toy", toy_config.trunk)
    monkeypatch.setitem(presets.BEIT3, "toy", TOY_BEIT3)
    text = replace(toy_config.beit3, text_positions=64)
    torch.save({"model": toy_layouts.sam2(toy_config)}, tmp_path / "sam2.pt")
    torch.save({"model": toy_layouts.beit3(replace(toy_config, beit3=text))}, tmp_path / "beit3.pth")
    start = str(tmp_path / "start")
    command = [
        "import-weights",
        str(tmp_path / "sam2.pt"),
        "--beit3",
        str(tmp_path / "beit3.pth"),
        "--image-size",
        "64",
    ]
    assert run([*command, "--beit3-image-size", "32", "--vocabulary", str(toy_vocabulary), "-o", start]) == 0
    command = ["train", "rrsisd-released", f"--data.root={rrsisd}", f"--init.weights={start}", "--steps=1"]
    assert run([*command, "-o", str(tmp_path / "run")]) == 0
    assert (tmp_path / "run/last/config.json").read_text() == (tmp_path / "start/config.json").read_text()
    # and from what that run left, with a component switched on that it did not have
    again = ["train", "rrsisd-plus", f"--data.root={rrsisd}", f"--init.weights={tmp_path / 'run/last'}", "--steps=1"]
    assert run([*again, "--model.preset=nano", "-o", str(tmp_path / "other")]) == 2  # weights are of a size already
    assert run([*again, "--model.preset=null", "--model.text_gate=false", "-o", str(tmp_path / "again")]) == 0
    left = json.loads((tmp_path / "again/last/config.json").read_text())
    assert left["presence"] is True and left["text_gate"] is False


def test_recipes_are_found_by_name_path_and_file(tmp_path: Path) -> None:
    assert find_recipe("nwpu-nano") == find_recipe("recipes/nwpu-nano.yaml") == recipes()["nwpu-nano"]
    own = tmp_path / "mine.yaml"
    own.write_text("data: {root: x}\nepochs: 3\noptimizer: {lr: {rest: 5e-5}}\n")
    recipe = load_recipe(own)
    assert recipe.name == "mine" and recipe.epochs == 3 and recipe.optimizer.lr == {"rest": 5e-5}
    with pytest.raises(UsageError, match=r"no recipe 'nwpu-nan0'.*nwpu-nano"):
        find_recipe("nwpu-nan0")


def test_a_recipe_survives_the_way_through_json() -> None:
    for name in recipes():
        recipe = load_recipe(name)
        assert recipe_from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe


def test_overrides() -> None:
    assert parse_overrides(["--a.b=1e-5", "--c", "[1, 2]", "--d-e=null"]) == [
        ("a.b", "1e-5"),
        ("c", [1, 2]),
        ("d_e", None),
    ]
    recipe = load_recipe("rrsisd-released", ["--optimizer.lr.rest=2e-5", "--data.root", "elsewhere", "--lora.rank=4"])
    assert (
        recipe.optimizer.lr["rest"] == 2e-5
        and recipe.options.data.root == "elsewhere"
        and recipe.options.lora.rank == 4
    )


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("--epoch=3", "did you mean 'epochs'"),
        ("--data.rot=x", "unknown data.rot"),
        ("--epochs=three", "epochs must be of type int, got 'three'"),
        ("--optimizer.lr.rest=fast", "optimizer.lr.rest must be a number, got 'fast'"),
        ("--batch=3 --per_device=2", "batch 3 must be a multiple of per_device 2"),
        ("--schedule.kind=cosin", "must be one of 'step', 'cosine'"),
        ("--freeze=[head]", "freeze names head; the components are adapters"),
        ("--learner=other", "learner 'other' must be one of"),
        ("--losses.resolution=logits", "set losses.per_sample to true"),
        ("data.root=x", "is no override"),
        ("--data.augmentation.crop=2", "give a probability between 0 and 1"),
        ("--epochs.more=1", "epochs is 40 and has no parts"),
        ("--seed=-1", "seed -1 must be at least 0"),
        ("--seed=20261127123000", "seed 20261127123000 must be at least 0 and below"),
        ("--optimizer.eps=-1e-8", "optimizer.eps -1e-08 must not be negative"),
        ("--learner=[a]", "learner ['a'] must be one of"),
    ],
)
def test_a_wrong_recipe_says_what_is_wrong(override: str, said: str) -> None:
    with pytest.raises(UsageError, match=said.replace("[", r"\[")):
        load_recipe("rrsisd-released", override.split())


@pytest.mark.parametrize(("line", "said"), [("on: 3", "unknown key True"), ("2024: x", "unknown key 2024")])
def test_keys_that_yaml_takes_for_no_text_are_unknown(line: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(f"data: {{root: x}}\n{line}\n")
    with pytest.raises(UsageError, match=said):
        load_recipe(tmp_path / "mine.yaml")


def test_lists_and_shows(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train"]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in recipes())
    assert run(["train", "nwpu-nano", "--show", "--epochs=7"]) == 0
    assert "epochs: 7" in capsys.readouterr().out


def test_a_missing_start_and_missing_data_are_said(
    rrsisd: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["train", "rrsisd-released", "-o", str(tmp_path / "a")]) == 5
    assert "there is no RRSIS-D" in capsys.readouterr().err
    assert run(["train", "rrsisd-released", f"--data.root={rrsisd}", "-o", str(tmp_path / "a")]) == 5
    assert "no weights at weights/sam2-large+beit3-large" in capsys.readouterr().err
    assert not (tmp_path / "a").exists()
