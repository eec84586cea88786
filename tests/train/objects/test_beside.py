from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from PIL import Image
from toy_objects import TOY, toy_tokenizer

from rs2sam2.data.builder.annotated import AnnotatedImage
from rs2sam2.data.language.layout import Layout, SceneObject
from rs2sam2.data.language.program import Program, Selection
from rs2sam2.train.objects.beside import FEWEST, never_beside
from rs2sam2.train.objects.mosaic import MosaicPool, mosaic_pool
from rs2sam2.train.objects.phrases import Asked, PhraseBank, PhraseMaker
from rs2sam2.train.objects.pools import image_pool
from rs2sam2.train.objects.targets import collate, item_of
from rs2sam2.train.objects.views import draw_view


def layout(*categories: str) -> Layout:
    return Layout(64, 64, tuple(SceneObject(c, (10, 10, 20, 20), 100.0) for c in categories))


def test_what_layouts_hardly_ever_show_together() -> None:
    shown = [layout("ship", "harbor")] * 98 + [layout("ship", "dam")] * 2 + [layout("windmill", "vehicle")] * FEWEST
    beside = never_beside([*shown, layout("stadium")], 0.03)
    assert beside["ship"] == {"dam", "windmill", "stadium"}, "2 % is rare, vehicles are left out by annotators"
    assert beside["windmill"] == {"ship", "harbor", "dam", "stadium"}
    assert "stadium" not in beside and "dam" not in beside, "seen too rarely to say"
    assert not any(never_beside(shown, 0.0).values())


def test_an_image_denies_what_is_not_beside_what_it_shows() -> None:
    beside = {"airplane": frozenset({"dam", "windmill"}), "ship": frozenset({"windmill"})}
    images = [AnnotatedImage(Path(), layout(*names), (None,) * len(names)) for names in (["airplane"], ["ship"], [])]
    known = [record.known for record in image_pool("p", images, 1.0, beside=beside).records]
    assert known == [{"airplane", "ship", "dam", "windmill"}, {"airplane", "ship", "windmill"}, {"airplane", "ship"}]


@pytest.fixture
def scenes(tmp_path: Path) -> MosaicPool:
    """Red stadiums and airports, which are located, and blue airplanes, which lie somewhere in their picture."""
    for name in ("red", "blue"):
        Image.new("RGB", (8, 8), name).save(tmp_path / f"{name}.png")
    rows = ["file,category", "red.png,stadium", "red.png,airport", "blue.png,airplane", "blue.png,freeway"]
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    beside = {
        "stadium": frozenset({"dam", "ship"}),
        "airport": frozenset({"dam"}),
        "airplane": frozenset({"dam", "stadium"}),
    }
    return mosaic_pool("scenes", tmp_path / "labels.csv", 1.0, beside=beside)


def test_mosaics_deny_what_none_of_their_pictures_shows(scenes: MosaicPool) -> None:
    assert {name for name, _ in scenes.pictures} == {"stadium", "airport", "airplane"}, "of freeways nothing is known"
    random = Random(0)
    seen = set()
    for _ in range(60):
        source = scenes.draw(random)
        categories = frozenset(o.category for o in source.layout.objects)
        seen.add(categories)
        blue = (source.pixels == (0, 0, 255)).all(-1)
        assert blue.all() == blue.any(), "a picture whose thing is not located comes alone"
        if not categories:
            assert blue.all() and source.known == {"dam", "stadium"}, "that an airplane is there may not be denied"
            assert source.somewhere == {"airplane"}
        else:
            assert source.known == {"stadium", "airport", "dam"} | ({"ship"} if categories == {"stadium"} else set())
    assert seen == {frozenset(), *(frozenset(s) for s in ({"stadium"}, {"airport"}, {"stadium", "airport"}))}


def test_what_is_somewhere_is_asked_for_and_never_cut_away(scenes: MosaicPool) -> None:
    random = Random(1)
    alone = next(s for s in iter(lambda: scenes.draw(random), None) if s.somewhere)
    bank = PhraseBank((Asked("the dam", (0,), 0, "category", Program(Selection("dam", "one"))),))
    denied = 0
    for _ in range(10):
        view = draw_view(alone, random, 64, 1.0)
        assert (view.layout.width, view.layout.height) == (512, 512)
        there, *absent = PhraseMaker(random, bank, 0.3).about(view, 4)
        assert there.there and not there.targets and there.kind == "category"
        assert all(not a.there and a.phrase == "the dam" for a in absent)
        denied += len(absent)
        batch = collate([item_of(view, [there, *absent], TOY, random)], toy_tokenizer())
        assert batch.present.tolist() == [True] + [False] * len(absent) and not batch.meant.any()
    assert denied > 5
