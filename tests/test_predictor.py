from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from rs2sam2.config import DTypeName, ProcessorConfig
from rs2sam2.errors import UsageError, VocabularyError
from rs2sam2.overlay import draw_overlay
from rs2sam2.predictor import (
    Correction,
    Prediction,
    Predictor,
    RS2SAM2Segmenter,
    Segmented,
    phrases_that_fit,
    pick_device,
    pick_dtype,
)
from rs2sam2.presets import preset
from toy_set import Explaining

PHRASES = ["the ship", "the large tank on the left of the pier", "airplane"]


@pytest.fixture
def predictor(toy_folder: Path) -> Predictor:
    return Predictor.load(toy_folder, device="cpu", dtype="float32")


def test_one_result_per_phrase_at_the_size_of_the_image(predictor: Predictor, picture: Path) -> None:
    results = predictor.predict(picture, PHRASES)
    assert [r.phrase for r in results] == PHRASES
    for r in results:
        assert r.mask.shape == r.logits.shape == r.probability.shape == (40, 56)
        assert r.mask.dtype == np.bool_ and r.logits.dtype == np.float32
        assert np.array_equal(r.mask, r.logits > 0.5)  # the released decision rule
        assert 0 <= r.score <= 1 and 0 <= r.predicted_iou <= 1
        assert r.presence is None  # these weights were not trained to say


def test_batches_give_what_single_calls_give(predictor: Predictor, picture: Path) -> None:
    other = np.random.default_rng(1).integers(0, 255, (30, 30, 3), np.uint8)
    predictor.segmenter.max_batch = 3
    together = predictor.predict_batch([picture, other], [PHRASES, "the bridge"])
    assert [len(group) for group in together] == [3, 1]
    alone = [*(predictor.predict(picture, p)[0] for p in PHRASES), predictor.predict(other, "the bridge")[0]]
    for a, b in zip([*together[0], *together[1]], alone, strict=True):
        assert a.phrase == b.phrase and np.abs(a.logits - b.logits).max() < 1e-3 * np.abs(b.logits).max()


def test_no_phrases_no_results(predictor: Predictor, picture: Path) -> None:
    assert predictor.predict(picture, []) == []
    assert predictor.predict_batch([], []) == []
    with pytest.raises(UsageError, match="per image"):
        predictor.predict_batch([picture], [])


@pytest.mark.parametrize(("phrase", "message"), [("", "empty"), ("  \n", "empty"), ("ship " * 40, "at most")])
def test_phrases_that_cannot_be_read(predictor: Predictor, picture: Path, phrase: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        predictor.predict(picture, [phrase])


def test_corrections_change_the_mask_and_are_in_pixels_of_the_image(predictor: Predictor, picture: Path) -> None:
    first = predictor.predict(picture, "the ship")[0]
    for correction in (
        Correction(points=[(10, 10)]),
        Correction(not_points=[(10, 10)]),
        Correction(box=(4, 4, 30, 30)),
        Correction(previous=first),
    ):
        assert (
            np.abs(predictor.predict(picture, "the ship", correction=correction)[0].logits - first.logits).max() > 1e-5
        )
    # the same place in an image of twice the size
    large = Image.open(picture).resize((112, 80), Image.Resampling.NEAREST)
    segmenter = predictor.segmenter
    small = segmenter._prompts([(56, 40)], [Correction(points=[(10, 10)], box=(4, 4, 30, 30))])  # type: ignore[attr-defined]
    double = segmenter._prompts([large.size], [Correction(points=[(20, 20)], box=(8, 8, 60, 60))])  # type: ignore[attr-defined]
    assert torch.allclose(small.points, double.points) and torch.allclose(small.boxes, double.boxes)


def test_box_and_score_of_a_known_mask() -> None:
    logits = np.full((10, 12), -4.0, np.float32)
    result = Prediction("x", logits.copy(), ProcessorConfig(), 0.5, None)
    assert result.box is None and result.score == 0.0
    logits[2:5, 3:9] = 3.0
    result = Prediction("x", logits, ProcessorConfig(), 0.5, None)
    assert result.box == (3, 2, 9, 5)
    assert abs(result.score - 1 / (1 + np.exp(-5.0))) < 1e-6
    assert Prediction("x", logits, ProcessorConfig(), 0.5, presence=0.25).score == 0.25


def test_one_phrase_for_several_images_is_no_list(predictor: Predictor) -> None:
    with pytest.raises(UsageError, match="list of phrases"):
        predictor.predict_batch([Image.new("RGB", (20, 20))] * 4, "ship")


def test_only_weights_that_say_so_deny() -> None:
    logits = np.ones((160, 160), np.float32)
    doubtful, silent = (Prediction("x", logits, ProcessorConfig(), 0.5, presence) for presence in (0.25, None))
    assert not doubtful.is_here() and doubtful.is_here(0.2) and silent.is_here() and silent.is_here(1)
    lenient = Prediction("x", logits, ProcessorConfig(), 0.5, presence=0.25, min_score=0.2)
    assert lenient.is_here() and not lenient.is_here(0.3)
    picture = Image.new("RGB", (160, 160))
    one, both = (draw_overlay(picture, predictions, 0.5) for predictions in ([silent], [silent, doubtful]))
    assert np.array_equal(np.asarray(one)[:160], np.asarray(both)[:160]) and both.height > one.height


@pytest.mark.parametrize(("size", "drawn"), [((2, 1000), (2, 1006)), ((40, 8000), (40, 8006)), ((60, 100), (480, 806))])
def test_small_pictures_are_enlarged_as_far_as_they_stay_small(size: tuple[int, int], drawn: tuple[int, int]) -> None:
    assert draw_overlay(Image.new("RGB", size), []).size == drawn


@example(0.596, 0.6)
@given(st.floats(0, 1), st.sampled_from([0.5, 0.6, 0.605]))
def test_a_score_reads_as_what_is_said_of_it(presence: float, least: float) -> None:
    result = Prediction("x", np.zeros((1, 1), np.float32), ProcessorConfig(), 0.5, presence, min_score=least)
    assert (float(result.score_text()) >= least) == result.is_here()
    assert result.score_text(0) == f"{presence:.2f}"


def test_a_prediction_knows_the_least_score_of_its_segmenter() -> None:
    out = Segmented(torch.eye(4).expand(2, 1, 4, 4), torch.tensor([0.1, 0.2]), torch.tensor([0.3, 0.4]))
    made = out.prediction(1, "x", (6, 8), Explaining())
    assert made.logits.shape == (6, 8) and made.predicted_iou == pytest.approx(0.2)
    assert made.presence == pytest.approx(0.4) and made.min_score == 0.3 and made.is_here()


def test_another_segmenter_can_take_the_place(picture: Path) -> None:
    class Quadrant:
        decision = ProcessorConfig()
        max_batch = 4

        def check(self, phrase: str) -> None:
            pass

        def __call__(
            self,
            images: Sequence[Image.Image],
            phrases: Sequence[str],
            image_index: Sequence[int],
            corrections: Sequence[Correction | None],
        ) -> Segmented:
            logits = torch.full((len(phrases), 1, 8, 8), -5.0)
            logits[..., :4, :4] = 5.0
            return Segmented(logits, torch.ones(len(phrases)), torch.full((len(phrases),), 0.75))

    result = Predictor(Quadrant(), "quadrant").predict(picture, "upper left")[0]
    assert result.box == (0, 0, 28, 20) and result.score == 0.75


def test_devices() -> None:
    assert pick_device("cpu").type == "cpu"
    assert pick_device("auto").type in ("cpu", "cuda")
    with pytest.raises(UsageError, match="choose auto"):
        pick_device("gpu!")
    with pytest.raises(UsageError, match="not supported"):
        pick_device("meta")
    if not torch.cuda.is_available():
        with pytest.raises(UsageError, match=r"0 GPUs.*--device cpu"):
            pick_device("cuda")


@pytest.mark.parametrize("dtype", ["bfloat16", "mixed"])
def test_bfloat16_runs(toy_folder: Path, picture: Path, dtype: DTypeName) -> None:
    result = Predictor.load(toy_folder, dtype=dtype).predict(picture, "the ship")[0]
    assert result.logits.dtype == np.float32 and np.isfinite(result.logits).all()
    with pytest.raises(UsageError, match="mixed or bfloat16"):
        Predictor.load(toy_folder, dtype="int8")  # type: ignore[arg-type]


def test_phrases_fit_into_what_a_gpu_has_free() -> None:
    gb, bf16 = 10**9, torch.bfloat16
    assert [phrases_that_fit(n * gb, 1024, bf16) for n in (0, 1, 3, 6, 10, 140)] == [1, 1, 4, 8, 16, 16]
    assert phrases_that_fit(6 * gb, 1024, torch.float32) == 4 and phrases_that_fit(3 * gb, 512, bf16) == 16


def test_auto_takes_bfloat16_only_where_it_is_native(toy_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cpu = torch.device("cpu")
    for native in (True, False):
        monkeypatch.setattr("rs2sam2.predictor.cpu_has_bfloat16", lambda native=native: native)
        assert pick_dtype(cpu, preset("large")) == ("mixed" if native else "float32")
        assert pick_dtype(cpu, preset("nano")) == "float32"


def test_phrases_share_what_is_seen_of_an_image(predictor: Predictor, picture: Path) -> None:
    segmenter = predictor.segmenter
    assert isinstance(segmenter, RS2SAM2Segmenter)
    seen = []
    segmenter.model.trunk_module.patch_embedding.register_forward_hook(lambda *_: seen.append(True))
    predictor.predict(picture, PHRASES)
    assert len(seen) == 1
    predictor.predict(picture, PHRASES)  # opened anew: it may have changed
    assert len(seen) == 2


def test_threads_do_not_take_each_others_images(predictor: Predictor) -> None:
    segmenter = predictor.segmenter
    assert isinstance(segmenter, RS2SAM2Segmenter)
    black = Image.new("RGB", (20, 20))

    class Interrupted(list[Image.Image]):
        def __iter__(self) -> Iterator[Image.Image]:  # as often as it is gone through, another thread asks meanwhile
            segmenter._look([Image.new("RGB", (20, 20), "white")])
            return super().__iter__()

    with torch.inference_mode():
        wanted = segmenter._look([black.copy()]).patches
        assert torch.equal(segmenter._look(Interrupted([black])).patches, wanted)
        assert torch.equal(segmenter._look([black]).patches, wanted)


@pytest.mark.parametrize("dtype", ["float32", "mixed"])
def test_a_predictor_can_be_sent_and_copied(toy_folder: Path, picture: Path, dtype: DTypeName) -> None:
    predictor = Predictor.load(toy_folder, device="cpu", dtype=dtype)
    logits = predictor.predict(picture, "the ship")[0].logits
    for other in (pickle.loads(pickle.dumps(predictor)), copy.deepcopy(predictor)):
        assert np.array_equal(other.predict(picture, "the ship")[0].logits, logits)


def test_one_correction_is_for_all_phrases(predictor: Predictor, picture: Path) -> None:
    with pytest.raises(UsageError, match="correction is a list; wanted one Correction"):
        predictor.predict(picture, "the ship", correction=[Correction(box=(4, 4, 30, 30))])  # type: ignore[arg-type]


def test_a_vocabulary_is_needed(toy_folder: Path, toy_vocabulary: Path, picture: Path) -> None:
    (toy_folder / "vocabulary.spm").unlink()
    with pytest.raises(VocabularyError, match="--vocabulary"):
        Predictor.load(toy_folder)
    assert Predictor.load(toy_folder, vocabulary=toy_vocabulary).predict(picture, "the ship")


def test_the_bundled_weights_answer(picture: Path) -> None:
    result = Predictor.load(device="cpu").predict(picture, "the airplane on the left")[0]
    assert result.mask.shape == (40, 56) and result.presence is not None
