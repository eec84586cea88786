from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from toy_objects import VOCABULARY, toy_model

from rs2sam2.errors import UsageError, VocabularyError, WeightsError
from rs2sam2.objects.candidates import overlap
from rs2sam2.objects.files import load, save
from rs2sam2.objects.segmenter import load_segmenter
from rs2sam2.predictor import Correction, Prediction, Predictor


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save(toy_model(), tmp_path / "toy", VOCABULARY)
    return tmp_path / "toy"


@pytest.fixture
def image() -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 255, (90, 150, 3), np.uint8))


def test_a_phrase_is_heard_as_it_is_meant(folder: Path, image: Image.Image) -> None:
    said, meant = Predictor.load(folder).predict(
        image, ["Please find the jet situated in the top-left corner!", "the airplane in the top left corner"]
    )
    assert np.array_equal(said.logits, meant.logits) and said.presence == meant.presence
    assert said.phrase.startswith("Please")


def test_what_no_class_is_called_by_has_at_most_an_even_chance(folder: Path, image: Image.Image) -> None:
    model = load(folder)
    model.config = replace(model.config, presence_slope=0.0, presence_offset=20.0)  # believes everything
    save(model, folder, VOCABULARY)
    predictor = Predictor.load(folder)
    ship, tent = predictor.predict(image, ["the ship", "the tent"])
    assert ship.presence == pytest.approx(1.0) and tent.presence == pytest.approx(0.5)
    shown = predictor.predict(image, "the tent", correction=Correction(box=(10, 10, 60, 60)))[0]
    assert shown.presence == pytest.approx(1.0)


def test_saved_and_loaded(folder: Path) -> None:
    for name, tensor in load(folder).state_dict().items():
        assert torch.equal(tensor, toy_model().state_dict()[name]), name


def test_the_predictor_knows_the_family(folder: Path, image: Image.Image) -> None:
    predictor = Predictor.load(folder)
    assert predictor.name == "toy"
    for dtype in ("bfloat16", "mixed"):
        with pytest.raises(UsageError, match=f"dtype {dtype} was asked for.*float32; leave dtype out"):
            Predictor.load(folder, dtype=dtype)  # type: ignore[arg-type]
    Predictor.load(folder, dtype="float32")
    results = predictor.predict(image, ["the ship", "all ships at the top", "the road"])
    for result in results:
        assert result.mask.shape == (90, 150) and result.presence is not None and 0 <= result.score <= 1


def test_masks_do_not_depend_on_neighbours(folder: Path, image: Image.Image) -> None:
    predictor = Predictor.load(folder)
    other = Image.new("RGB", (50, 50), "green")
    alone = predictor.predict(image, "the ship on the left")[0]
    many = predictor.predict_batch([other, image], [["a", "the long road"], ["the road", "the ship on the left"]])[1][1]
    np.testing.assert_array_equal(alone.logits, many.logits)


def test_empty_phrase(folder: Path, image: Image.Image) -> None:
    with pytest.raises(UsageError, match="empty"):
        Predictor.load(folder).predict(image, " ")


@pytest.mark.parametrize(
    "correction",
    [
        Correction(box=(20, 20, 80, 70)),
        Correction(points=[(40, 40)]),
        Correction(points=[(40, 40)], not_points=[(120, 80)]),
    ],
)
def test_corrections_give_a_mask(folder: Path, image: Image.Image, correction: Correction) -> None:
    result = Predictor.load(folder).predict(image, "the ship", correction=correction)[0]
    assert np.isfinite(result.logits).all()


@pytest.mark.parametrize("correction", [Correction(), Correction(not_points=[(1, 1)])])
def test_ground_stays_ground_where_nothing_points_elsewhere(
    folder: Path, image: Image.Image, correction: Correction, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rs2sam2.objects.segmenter.members", lambda *_: [[]])  # a toy cannot tell
    predictor = Predictor.load(folder)
    plain = predictor.predict(image, "the road")[0]
    np.testing.assert_array_equal(predictor.predict(image, "the road", correction=correction)[0].logits, plain.logits)
    again = predictor.predict(image, "the road", correction=Correction(previous=plain))[0]
    np.testing.assert_array_equal(again.logits, plain.logits)


@pytest.mark.parametrize("phrase", [3, b"ship", "ship \ud800"])
def test_what_is_no_text(folder: Path, image: Image.Image, phrase: object) -> None:
    with pytest.raises(UsageError, match=r"wanted text|no UTF-8"):
        Predictor.load(folder).predict(image, [phrase])  # type: ignore[list-item]


def test_other_candidates_are_described_anew(folder: Path, image: Image.Image) -> None:
    """What was told of an image's candidates serves all its phrases, and no other candidates."""
    segmenter = load_segmenter(folder)
    with torch.inference_mode():
        seen = segmenter.see(image)
        before = segmenter.read(seen, "the ship", corrected=False)[1]
        moved = segmenter.corrected(seen, Correction(box=(20, 20, 80, 70)), "the ship")
        assert moved is not None
        after = segmenter.read(moved, "the ship", corrected=True)[1]
        assert torch.equal(after, segmenter.model.describe(moved.candidates, moved.features))
        assert torch.equal(before, segmenter.read(seen, "the road", corrected=False)[1])
    assert not torch.equal(before, after)


def test_ground_is_looked_at_more_closely_in_large_images(folder: Path, image: Image.Image) -> None:
    segmenter = load_segmenter(folder)
    plain = load_segmenter(folder)
    plain.closer = False
    with torch.inference_mode():
        for size, finer in (((150, 90), True), ((60, 40), False)):
            here = image.resize(size)
            reading, tokens, _ = segmenter.read(seen := segmenter.see(here), "the road", corrected=False)
            masks = [s.mask(seen, reading, tokens, [], 128) for s in (segmenter, plain)]
            assert torch.equal(*masks) is not finer and (seen.ground is not None) is finer
            if seen.ground is not None:
                assert [m.shape[-1] for m in seen.ground] == [24, 12]  # of 96 pixels, at strides 4 and 8
                assert torch.equal(masks[0], segmenter.mask(seen, reading, tokens, [], 128))


def test_a_part_of_what_is_seen_is_the_same(folder: Path) -> None:
    """`see_ground` is `see` without the rest; with a gradient, which takes the image whole, it is the same, too."""
    model = load(folder)
    image = torch.randn(1, 3, 96, 96)
    with torch.inference_mode():
        pixels, classes = model.see_ground(image)
        seen = model.see(image)
    assert torch.equal(pixels, seen.pixel_features) and torch.equal(classes, seen.classes)
    torch.testing.assert_close(model.see(image).pixel_features.detach(), pixels, rtol=1e-4, atol=1e-5)


def test_a_previous_mask_leads_back_to_its_object(
    folder: Path, image: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rs2sam2.objects.segmenter.members", lambda *_: [[0]])  # a toy cannot tell
    segmenter = load_segmenter(folder)
    with torch.inference_mode():
        seen = segmenter.see(image)
        boxes, size, picked = seen.candidates.boxes[0], torch.tensor([150.0, 90, 150, 90]), set()
        for box in (boxes * size).round():
            x0, y0, x1, y1 = box.int().tolist()
            logits = np.full((90, 150), -5, np.float32)
            logits[y0:y1, x0:x1] = 5
            previous = Prediction("the ship", logits, segmenter.decision, 0.5, None)
            moved = segmenter.corrected(seen, Correction(previous=previous), "the ship")
            assert moved is not None
            torch.testing.assert_close(moved.candidates.boxes[0, 0] * size, box)
            fits = overlap(boxes[None] * size, box[None, None])[0, :, 0]
            assert moved.candidates.score[0, 0] == seen.candidates.score[0, fits.argmax()]
            picked.add(int(fits.argmax()))
    assert len(picked) > 1


def test_damaged_folders(folder: Path) -> None:
    weights = folder / "model.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[: len(content) // 2])
    with pytest.raises(WeightsError, match="damaged"):
        Predictor.load(folder)
    weights.unlink()
    with pytest.raises(WeightsError, match="incomplete"):
        Predictor.load(folder)
    weights.write_bytes(content)
    config = folder / "config.json"
    config.write_text(config.read_text().replace('"depth": 2', '"depth": 1'))
    with pytest.raises(WeightsError, match="does not fit"):
        Predictor.load(folder)


def test_loading_does_not_import_the_compiler() -> None:
    """Drawing weights on the meta device would, and take a second of the two that the first mask takes."""
    script = "import sys; from rs2sam2 import Predictor; Predictor.load(); print('torch._dynamo' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_missing_vocabulary(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(VocabularyError, match=r"no\.spm; correct --vocabulary"):
        load_segmenter(folder, vocabulary=tmp_path / "no.spm")
    (folder / "vocabulary.spm").unlink()
    with pytest.raises(VocabularyError, match="folder is incomplete"):
        load_segmenter(folder)


def test_always_in_float32_whatever_surrounds_it(folder: Path, image: Image.Image) -> None:
    predictor, correction = Predictor.load(folder), Correction(box=(20.3, 20.3, 29.7, 30.1))
    wanted = [predictor.predict(image, "the ship", correction=c)[0] for c in (None, correction)]
    with torch.autocast("cpu", torch.bfloat16):
        autocast = [predictor.predict(image, "the ship", correction=c)[0] for c in (None, correction)]
    torch.set_default_dtype(torch.bfloat16)
    try:
        by_default = [predictor.predict(image, "the ship", correction=c)[0] for c in (None, correction)]
    finally:
        torch.set_default_dtype(torch.float32)
    for other in (autocast, by_default):
        for a, b in zip(wanted, other, strict=True):
            assert np.array_equal(a.logits, b.logits) and a.presence == b.presence
