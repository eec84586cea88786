"""The object-first model trains, stops, goes on, is calibrated and is kept like any other learner."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import toy_imagery
from test_ranks import torchrun
from test_resume import same, signal_at
from toy_objects import toy_model
from toy_runs import log

import toy_set
from rs2sam2.errors import DataError, UsageError, WeightsError
from rs2sam2.objects.files import load, save
from rs2sam2.objects.segmenter import load_segmenter
from rs2sam2.predictor import Predictor
from rs2sam2.train.loop import CHECKPOINT, train
from rs2sam2.train.objects import learner as learner_module
from rs2sam2.train.objects.calibration import Slope
from rs2sam2.train.objects.learner import ObjectFirstLearner
from rs2sam2.train.optimizer import MasterOptimizer
from rs2sam2.train.recipe import Optimizer, Recipe

Toy = Callable[..., Recipe]
VOCABULARY = Path(__file__).resolve().parents[3] / "src/rs2sam2/assets/nano/vocabulary.spm"
CPU = torch.device("cpu")


def test_two_steps_and_what_they_leave(toy: Toy, picture: Path, tmp_path: Path) -> None:
    toy_set.write_set(tmp_path / "refs")
    result = train(
        toy(f"--data.refs={tmp_path / 'refs'}", "--steps=2", "--data.calibration.views=60"), tmp_path / "run"
    )
    assert result.state.step == 2
    first, second = log(tmp_path / "run", "train")
    assert set(first) >= {
        "loss_centre",
        "loss_mask",
        "loss_ground",
        "loss_layout_presence",
        "layout_right",
        "rate_trunk",
    }
    assert first["rate_trunk"] == pytest.approx(0.5 * first["rate_rest"]) and second["loss_total"] > 0
    assert "presence" in log(tmp_path / "run", "val")[0]
    for kept in ("last", "best"):
        predictor = Predictor.load(tmp_path / "run" / kept)
        assert predictor.predict(picture, "the ship")[0].presence is not None
        assert load(tmp_path / "run" / kept).config.name == "toy"
    said = json.loads((tmp_path / "run/run.json").read_text())
    assert said["data"]["train"].startswith("18 samples in 4 pools")  # 60 % of 5, 5, 5 and 15 images
    assert said["data"]["val"].startswith("9 samples")


@pytest.mark.parametrize("at", [3, 4])
def test_stopped_and_resumed_is_never_stopped(
    at: int, toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Step 4 of 8 is the end of an epoch."""
    recipe = toy()
    assert train(recipe, tmp_path / "whole").state.step == 8
    with monkeypatch.context() as patch:
        signal_at(patch, at, signal.SIGTERM)
        with pytest.raises(SystemExit):
            train(recipe, tmp_path / "parts")
    train(recipe, tmp_path / "parts", resume=True)
    same(tmp_path / "whole" / CHECKPOINT, tmp_path / "parts" / CHECKPOINT)
    kept = [(tmp_path / run / "last/model.safetensors").read_bytes() for run in ("whole", "parts")]
    assert kept[0] == kept[1]


def test_workers_make_the_same_items(toy: Toy, tmp_path: Path) -> None:
    train(toy("--steps=2", "--data.calibration.share=0"), tmp_path / "none")
    train(toy("--steps=2", "--data.calibration.share=0", "--compute.workers=2"), tmp_path / "two")
    same(tmp_path / "none" / CHECKPOINT, tmp_path / "two" / CHECKPOINT)


def test_two_processes_give_the_numbers_of_one(toy: Toy, toy_recipe: Path, tmp_path: Path) -> None:
    """What losses choose by lot is drawn with the items, and so is the same wherever they are computed."""
    more = ["--per_device=1", "--steps=2", "--compute.device=cpu", "--data.calibration.share=0"]
    train(toy(*more), tmp_path / "one")
    done = torchrun(["train", str(toy_recipe), *toy_imagery.QUICK, *more, "-o", str(tmp_path / "two")])
    assert done.returncode == 0, done.stderr
    one, two = (log(tmp_path / run, "train") for run in ("one", "two"))
    for a, b in zip(one, two, strict=True):
        assert {k: v for k, v in a.items() if "loss" in k} == pytest.approx(
            {k: v for k, v in b.items() if "loss" in k}, rel=1e-4
        )


def test_it_learns(toy: Toy, tmp_path: Path) -> None:
    train(toy("--epochs=3", "--data.calibration.share=0", "--optimizer.lr={trunk: 2e-3, rest: 4e-3}"), tmp_path / "run")
    losses = [e["loss_layout_form"] + e["loss_layout_membership"] for e in log(tmp_path / "run", "train")]
    assert sum(losses[-3:]) < 0.7 * sum(losses[:3])


def test_micro_batches_and_autocast(toy: Toy, tmp_path: Path) -> None:
    recipe = toy("--steps=1", "--per_device=1", "--compute.precision=autocast", "--compute.checkpointing=true")
    train(recipe, tmp_path / "run")
    assert log(tmp_path / "run", "train")[0]["loss_total"] > 0
    with pytest.raises(UsageError, match=r"compute.precision bfloat16 is not for this learner"):
        ObjectFirstLearner(toy("--compute.precision=bfloat16"), CPU)
    with pytest.raises(UsageError, match="choose ddp for this learner"):
        ObjectFirstLearner(toy("--compute.parallel=fsdp"), CPU)


def test_parts_and_groups(toy: Toy) -> None:
    learner = ObjectFirstLearner(toy(), CPU)
    trunk, rest = learner.groups()
    assert (trunk.name, rest.name) == ("trunk", "rest")
    assert not [n for n in trunk.parameters if "stem" in n or "groups.0." in n or "groups.1." in n]
    assert [n for n in trunk.parameters if "groups.2." in n]
    assert not {id(p) for p in trunk.parameters.values()} & {id(p) for p in rest.parameters.values()}
    language = ObjectFirstLearner(toy("--freeze=[stem, trunk, pyramid, refine, outline]"), CPU)
    trunk, rest = language.groups()
    assert not trunk.parameters and trunk.name == "trunk"  # so that a recipe may still give it a rate
    assert MasterOptimizer([trunk, rest], Optimizer(lr={"trunk": 1e-4, "rest": 5e-4})).rates == {"rest": 5e-4}
    assert {n.split(".")[1] for n in rest.parameters} == {"describe", "reader"}
    (group, rest) = ObjectFirstLearner(toy("--freeze=[stem, trunk.groups.2, trunk.groups.3]"), CPU).groups()
    assert {n.split(".")[3] for n in group.parameters if "groups" in n} == {"4", "5", "6"}
    with pytest.raises(UsageError, match="freeze names 'neck'; the parts are stem, trunk, pyramid"):
        ObjectFirstLearner(toy("--freeze=[neck]"), CPU)


def test_calibration_is_that_of_the_weights(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    fitted: list[torch.Tensor] = []

    def fit(logits: torch.Tensor, there: torch.Tensor) -> Slope:
        assert there.any() and not there.all()
        fitted.append(logits)
        return Slope(1.0 + len(fitted), 0.5)

    monkeypatch.setattr(learner_module, "fit", fit)
    learner = ObjectFirstLearner(toy("--data.calibration.views=40"), CPU)
    state = {name: t.detach().clone() for name, t in learner.module.state_dict().items()}
    assert learner.segmenter(state).model.config.presence_slope == 2
    assert learner.segmenter(dict(state)).model.config.presence_slope == 2  # remembered
    moved = state | {"model.reader.presence.bias": state["model.reader.presence.bias"] + 1}
    assert learner.segmenter(moved).model.config.presence_slope == 3
    torch.testing.assert_close(fitted[1], fitted[0] + 1)
    without = ObjectFirstLearner(toy("--data.calibration.share=0"), CPU)
    assert without.segmenter(state).model.config.presence_slope == 1.0
    assert any("presence is not calibrated" in note for note in without.notes)


def test_a_start_from_weights(toy: Toy, tmp_path: Path) -> None:
    model = toy_model()
    model.config = model.config.__class__.from_json(
        model.config.to_json().replace('"presence_slope": 1.0', '"presence_slope": 2.5')
    )
    save(model, tmp_path / "weights", VOCABULARY)
    learner = ObjectFirstLearner(toy(f"--init.weights={tmp_path / 'weights'}"), CPU)
    for name, tensor in learner.module.state_dict().items():
        assert torch.equal(tensor, model.state_dict()[name.removeprefix("model.")]), name
    assert learner.config.presence_slope == 1.0  # it was that of those weights
    changes = "{name: own, image_size: 128, things: [ship, barge, storage tank]}"
    assert learner.config.untaught == ()  # those weights do not say what they were taught
    other = ObjectFirstLearner(toy(f"--init.weights={tmp_path / 'weights'}", f"--model={changes}"), CPU)
    assert other.config.untaught == ("barge",)
    assert other.config.things == ("ship", "barge", "storage tank") and other.config.image_size == 128
    assert "start fresh, being new classes: barge" in other.notes
    assert any("no classes of the model, so hardly found: airplane" in note for note in other.notes)
    kept = other.module.state_dict()["model.reader.words.weight"]
    assert torch.equal(kept, model.state_dict()["reader.words.weight"])


def test_classes_that_no_image_shows_are_told(toy: Toy, tmp_path: Path) -> None:
    fresh = ObjectFirstLearner(toy("--model.things=[ship, storage tank, barge, vehicle]"), CPU)
    assert "barge" in fresh.config.untaught and not {"ship", "storage tank"} & set(fresh.config.untaught)
    assert any("known by name alone: barge" in note for note in fresh.notes)
    fresh.save(tmp_path / "weights", fresh.module.state_dict())
    again = ObjectFirstLearner(toy(f"--init.weights={tmp_path / 'weights'}", "--data.pools.things=null"), CPU)
    assert again.config.untaught == fresh.config.untaught  # what was taught before is not forgotten
    assert "barge" not in load_segmenter(tmp_path / "weights").classes


def test_a_class_is_found_in_imagery_by_any_of_its_names(toy: Toy) -> None:
    """The imagery calls its airplanes "airplane"; a model that knows "plane" alone learns of them."""
    plane = ObjectFirstLearner(toy("--model.things=[Plane, Storage-Tank]"), CPU)
    assert plane.config.things == ("airplane", "storage tank")
    assert not {"airplane", "storage tank"} & set(plane.config.untaught)
    assert not any("hardly found" in note and "airplane" in note for note in plane.notes)
    items = [plane.training_data()[i].view for i in range(6)]
    assert any((item.centres == 255).any() for item in items)


def test_presence_is_fitted_on_phrases_that_name_a_class(toy: Toy) -> None:
    """Of others a user is told at most an even chance, whatever is fitted."""
    every, tanks = (
        ObjectFirstLearner(toy("--data.calibration.views=40", *more), CPU) for more in ((), ["--model.things=[tank]"])
    )
    asked = [[phrase for question in learner._questions for phrase in question.phrases] for learner in (every, tanks)]
    assert any("airplane" in phrase for phrase in asked[0]) and 0 < len(asked[1]) < len(asked[0])
    assert not [phrase for phrase in asked[1] if phrase in ("airplane", "the airplane", "all airplanes")]


def test_phrases_to_validate_on_that_it_does_not_read_are_left_out(toy: Toy, tmp_path: Path) -> None:
    toy_set.write_set(tmp_path)
    entries = [json.loads(line) for line in (tmp_path / "val.jsonl").read_text().splitlines()]
    entries[0]["phrase"] = "the ship beside the bridge " * 30
    (tmp_path / "val.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    learner = ObjectFirstLearner(toy(f"--data.refs={tmp_path}"), CPU)
    assert len(learner.validation_data()) == 8
    assert "left out of val: 1 phrases, empty or longer than this model reads" in learner.notes


def test_wrong_starts_are_said(toy: Toy, toy_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="is no object-first model"):
        ObjectFirstLearner(toy(f"--init.weights={toy_folder}"), CPU)
    with pytest.raises(UsageError, match=r"init.lite0 is for a fresh start"):
        toy("--init.weights=nano", "--init.lite0=x.pth")
    with pytest.raises(WeightsError, match=r"init.lite0 .*x.pth cannot be read"):
        ObjectFirstLearner(toy(f"--init.lite0={tmp_path / 'x.pth'}"), CPU)
    for name, content in (("gone", b"Gone\n"), ("list", b"(a\n")):
        (tmp_path / f"{name}.pth").write_bytes(content)
        with pytest.raises(WeightsError, match=rf"init.lite0 .*{name}.pth cannot be read"):
            ObjectFirstLearner(toy(f"--init.lite0={tmp_path / name}.pth"), CPU)
    for name, table in (("rows", [1, 2]), ("other", {"a": torch.ones(1)})):
        torch.save(table, tmp_path / f"{name}.pth")
        with pytest.raises(WeightsError, match=rf"init.lite0 .*{name}.pth (cannot be read|is not EfficientNet-Lite0)"):
            ObjectFirstLearner(toy(f"--init.lite0={tmp_path / name}.pth"), CPU)
    with pytest.raises(UsageError, match="unknown keys imagesize"):
        ObjectFirstLearner(toy("--model={imagesize: 64}"), CPU)
    with pytest.raises(DataError, match=r"no folder .*elsewhere .*--data.root=DIR"):
        ObjectFirstLearner(toy(f"--data.root={tmp_path / 'elsewhere'}"), CPU)
    gone = ("--data.layouts=gone.jsonl.gz", "--data.pools.things.images=gone")
    with pytest.raises(UsageError, match=r"layouts: no .*gone.jsonl.gz, pool things: no .*gone; put the data") as error:
        ObjectFirstLearner(toy(*gone), CPU)
    assert str(error.value).endswith("leave it out with --data.layouts=null --data.pools.things=null")
    with pytest.raises(UsageError, match="all left out"):
        toy("--data.pools={things: null}")
