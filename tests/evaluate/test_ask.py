"""Asking: the same masks as `predict` gives, in one order, however many ranks and phrases there are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rs2sam2 import Predictor
from rs2sam2.errors import DataError
from rs2sam2.evaluate.ask import Asking, Question, View, ask, native_size
from rs2sam2.evaluate.protocol import protocols_of
from rs2sam2.evaluate.ranks import Ranks
from rs2sam2.evaluate.records import Answer
from rs2sam2.metrics import intersection_union
from toy_set import HEIGHT, PHRASES, WIDTH, Colours, Explaining, predictor, write_set

ALL = Asking(protocols_of("all"), keep_masks=True)


def questions(folder: Path) -> list[Question]:
    return [Question(s.phrase, s, s) for s in write_set(folder).read("val")]


def test_masks_scores_and_overlaps_are_those_of_predict(tmp_path: Path) -> None:
    asked = questions(tmp_path)
    answers = ask(predictor(), asked, ALL)
    for question, answer in zip(asked, answers, strict=True):
        result = predictor().predict(question.image.image, question.phrase)[0]
        truth = question.truth.load_mask()
        assert answer.mask is not None and np.array_equal(answer.mask.decode(), result.mask)
        assert answer.score == result.score == answer.presence
        assert answer.size == (HEIGHT, WIDTH) and answer.mask_pixels == result.mask.sum()
        assert answer.overlaps["native"] == intersection_union(result.mask, truth)
        assert answer.truth_pixels["480"] == question.truth.load_mask((480, 480)).sum()
    assert min(answers[i].iou(p) for i in (0, 1, 2, 4) for p in answers[i].overlaps) > 0.9


def test_a_real_model_too(toy_folder: Path, tmp_path: Path) -> None:
    asked = questions(tmp_path / "set")
    model = Predictor.load(toy_folder, device="cpu")
    for question, answer in zip(asked, ask(model, asked, ALL), strict=True):
        mask = model.predict(question.image.image, question.phrase)[0].mask
        assert answer.mask is not None and np.mean(answer.mask.decode() != mask) < 1e-3  # batches round differently


def test_phrases_of_an_image_run_together_whatever_their_order(tmp_path: Path) -> None:
    asked = questions(tmp_path)
    segmenter = Colours(max_batch=4)
    straight = ask(Predictor(segmenter), asked, ALL)
    assert segmenter.batches == [4, 2, 3]  # images of 4, 2 and 3 phrases: two do not fit together in 4
    order = [8, 0, 4, 1, 7, 2, 5, 3, 6]
    mixed = ask(predictor(max_batch=4), [asked[i] for i in order], ALL)
    assert mixed == [straight[i] for i in order]


class Half(Ranks):
    """A rank whose fellow's answers were worked out before."""

    def __init__(self, rank: int, others: list[tuple[int, Answer]]) -> None:
        super().__init__(rank, 2)
        object.__setattr__(self, "others", others)
        object.__setattr__(self, "mine", [])

    def gather(self, mine):  # type: ignore[no-untyped-def]
        self.mine.extend(mine)
        return [*self.others, *mine]


def test_two_ranks_share_units_and_lose_none(tmp_path: Path) -> None:
    asked = questions(tmp_path)
    whole = ask(predictor(), asked, ALL)
    first = Half(0, list(enumerate(whole)))
    ask(predictor(), asked, ALL, ranks=first)
    assert 0 < len(first.mine) < len(asked)
    seen: list[int] = []
    assert ask(predictor(), asked, ALL, ranks=Half(1, first.mine), advance=seen.append) == whole
    assert sum(seen) >= len(asked) - len(first.mine)


def test_a_phrase_that_cannot_be_read_is_an_empty_mask_and_is_counted(tmp_path: Path) -> None:
    sample = write_set(tmp_path).read("val")[0]
    asked = [Question("the ship " * 10, sample, sample), Question("the ship", sample, sample)]
    unread, read = ask(predictor(), asked, ALL)
    assert unread.unread and unread.mask_pixels == 0 and unread.score == 0 and not unread.found(0.5)
    assert unread.overlaps["native"][0] == 0 and not read.unread and read.mask_pixels > 0


def test_views_change_image_and_truth(tmp_path: Path) -> None:
    sample = write_set(tmp_path).read("val")[0]
    window = View("left", lambda im: im.crop((0, 0, 40, 60)), lambda mask: mask[:, :40])
    answer = ask(predictor(), [Question("the ship", sample, sample, window)], ALL)[0]
    assert answer.size == (HEIGHT, 40) and answer.iou("native") > 0.9 and answer.iou("480") > 0.9


def test_oracles_and_the_segmenters_own_diagnostics(tmp_path: Path) -> None:
    asked = questions(tmp_path)
    answers = ask(Predictor(Explaining()), asked, Asking(protocols_of("native"), oracles=True))
    for (_, phrase, members), answer in zip(PHRASES, answers, strict=True):
        assert set(answer.diagnostics) == ({"words", "best threshold", "mask resolution"} if members else set())
        if members:
            assert answer.diagnostics["words"] == len(phrase.split()) / 10
            assert answer.diagnostics["best threshold"] >= answer.iou("native")
            assert 0.85 < answer.diagnostics["mask resolution"] <= 1
    assert all(not a.diagnostics for a in ask(Predictor(Explaining()), asked, ALL))


def test_damaged_and_missing_images(tmp_path: Path) -> None:
    asked = questions(tmp_path)
    (tmp_path / "1.png").write_bytes((tmp_path / "1.png").read_bytes()[:60])
    with pytest.raises(DataError, match=r"1\.png"):
        ask(predictor(), asked, ALL)
    (tmp_path / "1.png").unlink()
    assert native_size(asked[4].truth) == (HEIGHT, WIDTH)  # the annotation's frame says
