"""A run that starts from weights keeps what they know of each class, by its name."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from toy_objects import TOY, VOCABULARY, toy_model

from rs2sam2.errors import UsageError
from rs2sam2.objects.files import load, save
from rs2sam2.objects.model import ObjectFirst
from rs2sam2.train.objects.options import Init
from rs2sam2.train.objects.start import BY_CLASS, after_lessons, changed, start

OTHERS = [name for name in TOY.things if name != "dam"]


def from_toy(folder: Path, changes: dict[str, Any]) -> tuple[ObjectFirst, list[str]]:
    save(toy_model(), folder / "weights", VOCABULARY)
    model, _, notes = start(Init(weights=str(folder / "weights")), changes, seed=1)
    return model.eval(), notes[1:]


def test_the_same_classes_are_the_same_weights(tmp_path: Path) -> None:
    model, notes = from_toy(tmp_path, {"things": list(TOY.things)})
    assert not notes and model.config == TOY
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, toy_model().state_dict()[name]), name


@pytest.mark.parametrize("things", [sorted(TOY.things), [*OTHERS, "solar panels"], ["greenhouse", *TOY.things]])
def test_classes_keep_their_rows_in_any_order(tmp_path: Path, things: list[str]) -> None:
    model, notes = from_toy(tmp_path, {"things": things})
    new, known = sorted(set(things) - set(TOY.things)), [name for name in things if name in TOY.things]
    assert notes == ([f"start fresh, being new classes: {', '.join(new)}"] if new else [])
    assert list(model.config.untaught) == new
    image = torch.randn(1, 3, 64, 64)
    before, after = toy_model().see(image), model.see(image)
    for name in known:
        i, j = model.config.things.index(name), TOY.things.index(name)
        torch.testing.assert_close(after.centres[:, i], before.centres[:, j])
        torch.testing.assert_close(after.classes[:, i], before.classes[:, j])
    for name in (*known, *TOY.stuff):
        i, j = model.config.classes.index(name), TOY.classes.index(name)
        assert torch.equal(model.outline.classes.weight[i], toy_model().outline.classes.weight[j])
    ours, theirs = (m.describe.facts.layers[0].weight for m in (model, toy_model()))
    assert torch.equal(ours[:, model.config.numbers["road"]], theirs[:, TOY.numbers["road"]])
    assert torch.equal(ours[:, len(model.config.classes) :], theirs[:, len(TOY.classes) :])  # no class: place and rank


def test_every_entry_that_classes_shape_is_known() -> None:
    shapes = [
        {name: t.shape for name, t in ObjectFirst(config).state_dict().items()}
        for config in (TOY, replace(TOY, things=(*TOY.things, "barge")))
    ]
    assert {name for name, shape in shapes[0].items() if shape != shapes[1][name]} == BY_CLASS.keys()


def test_a_class_that_becomes_a_thing_is_to_be_taught(tmp_path: Path) -> None:
    stuff = [name for name in TOY.stuff if name != "river"]
    model, notes = from_toy(tmp_path, {"things": [*TOY.things, "river"], "stuff": stuff})
    assert model.config.untaught == ("river",) and notes == ["start fresh, being new classes: river"]
    i, j = model.config.numbers["river"], TOY.numbers["river"]
    assert torch.equal(model.pyramid.classes.weight[i], toy_model().pyramid.classes.weight[j])


def test_rows_of_another_size_leave_every_class_to_be_taught(tmp_path: Path) -> None:
    model, notes = from_toy(tmp_path, {"pyramid": 32})
    assert len(notes) == 1 and "being of another shape: " in notes[0] and "pyramid.centres" in notes[0]
    assert model.config.untaught == TOY.classes
    assert set(TOY.classes) - set(after_lessons(model.config, {"ship"}).untaught) == {"ship"}


def test_classes_that_a_user_names_are_those_of_data_sets() -> None:
    config = changed(TOY, {"things": ["Ship", "Storage-Tank", "SOLAR PANELS"]})
    assert config.things == ("ship", "storage tank", "solar panels") and config.untaught == ("solar panels",)
    assert after_lessons(config, {"solar panels", "dam"}).untaught == ()
    config = changed(TOY, {"things": ["ship", "solar panel"]})
    assert config.numbers["solar panels"] == config.numbers["solar panel"] == 1
    assert after_lessons(config, {"solar panels"}).untaught == ()


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"things": ["boat", "ship"]}, r"'boat' and 'ship', which are one class \(ship\)"),
        ({"things": ["solar panels", "Solar Panel"]}, "'solar panels' and 'Solar Panel'"),
        ({"things": ["ship", "Road"]}, "'Road' and 'road'"),  # that is stuff of the weights
    ],
)
def test_a_class_is_named_once(changes: dict[str, list[str]], names: str) -> None:
    with pytest.raises(UsageError, match=rf"model.things and model.stuff name {names}.*; leave one of them out"):
        changed(TOY, changes)


def test_no_list_of_classes_is_the_configuration_s_to_refuse() -> None:
    for wrong in ("ship", ["ship", 3]):
        with pytest.raises(UsageError, match="things must be a list of names"):
            changed(TOY, {"things": wrong})


def test_weights_keep_the_names_that_they_have(tmp_path: Path) -> None:
    """Earlier releases took a user's names as they came: such a folder still loads, and its rows are found."""
    named = tuple("SOLAR PANELS" if name == "dam" else name for name in TOY.things)
    model = toy_model()
    model.config = replace(TOY, things=named)
    save(model, tmp_path / "weights", VOCABULARY)
    assert load(tmp_path / "weights").config.things == named
    unchanged, _, _ = start(Init(weights=str(tmp_path / "weights")), {}, seed=1)
    again, _, notes = start(Init(weights=str(tmp_path / "weights")), {"things": list(named)}, seed=1)
    assert unchanged.config.things == named and again.config.things[named.index("SOLAR PANELS")] == "solar panels"
    assert len(notes) == 1 and again.config.untaught == ()
    assert torch.equal(again.pyramid.centres.weight, model.pyramid.centres.weight)


def test_the_bundled_weights_are_as_they_were() -> None:
    model, vocabulary, notes = start(Init(weights="nano"), {}, seed=1)
    given = load(vocabulary.parent)
    assert len(notes) == 1 and set(model.config.untaught) == set(given.config.untaught)
    assert all(torch.equal(tensor, given.state_dict()[name]) for name, tensor in model.state_dict().items())
    assert [given.config.numbers[name] for name in given.config.classes] == list(range(len(given.config.classes)))
    assert json.loads(given.config.to_json())["things"][:2] == ["airplane", "airport"]
