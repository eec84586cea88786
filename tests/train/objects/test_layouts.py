from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
import torch
import toy_imagery
from toy_objects import TOY, toy_model, toy_tokenizer

from rs2sam2.errors import DataError
from rs2sam2.objects.candidates import overlap
from rs2sam2.train.objects.imagined import SIDE, imagine
from rs2sam2.train.objects.layouts import LayoutSampler, LayoutScene, collate_layouts, read_layouts
from rs2sam2.train.objects.losses import layout_losses
from rs2sam2.train.objects.phrases import PhraseBank, PhraseMaker


def test_layouts_without_images(tmp_path: Path) -> None:
    toy_imagery.write_layouts(tmp_path / "layouts.jsonl.gz")
    real = read_layouts(tmp_path / "layouts.jsonl.gz")
    assert len(real) == 8 and {r.target for r in real} == {0}  # not of val, and none without a target
    random = Random(0)
    sampler = LayoutSampler(real, TOY, no_target=0.3, hard=0.5)
    bank = sampler.bank(random, 50, 4)
    items = [sampler.draw(random, bank, 5) for _ in range(5)]
    batch = collate_layouts(items, toy_tokenizer())
    assert batch.fits.shape == (sum(len(i.asked) for i in items), max(len(i.boxes) for i in items))
    assert not (batch.fits > 0)[~batch.present].any() and (batch.fits > 0).any(1)[batch.present].all()
    assert 0.1 < (~batch.present).float().mean() < 0.6
    assert [bool(p) for p in batch.padding.sum(1) > 0] == [len(i.boxes) < batch.fits.shape[1] for i in items]
    model = toy_model()
    losses = layout_losses(model, batch)
    assert 0 <= losses.pop("layout_right") <= 1
    loss = sum(losses.values())
    loss.backward()
    assert torch.isfinite(loss) and model.describe.unseen.grad is not None


def test_layouts_of_which_nothing_is_asked(tmp_path: Path) -> None:
    """Their phrases were all too long for the model."""
    toy_imagery.write_layouts(tmp_path / "layouts.jsonl.gz")
    sampler = LayoutSampler(read_layouts(tmp_path / "layouts.jsonl.gz"), TOY, no_target=0.3, hard=0.5)
    item = replace(sampler.draw(Random(0), PhraseBank(), 2), asked=[])
    losses = layout_losses(toy_model(), collate_layouts([item], toy_tokenizer()))
    assert all(torch.isfinite(torch.as_tensor(value)) for value in losses.values())


def test_a_turned_layout_keeps_its_phrase_true(tmp_path: Path) -> None:
    """What the real phrase says of its place holds of the candidates that are meant."""
    toy_imagery.write_layouts(tmp_path / "layouts.jsonl.gz")
    sampler = LayoutSampler(read_layouts(tmp_path / "layouts.jsonl.gz"), TOY, no_target=0.0, hard=0.5)
    sides = {"left": (0, 0.5), "right": (0, 0.5), "top": (1, 0.5), "bottom": (1, 0.5)}
    seen = set()
    for seed in range(40):
        item = sampler.draw(Random(seed), PhraseBank(), 2)
        real = item.asked[0]
        (word,) = [w for w in sides if real.phrase.endswith(w)]
        axis, middle = sides[word]
        boxes = [item.boxes[i] for i, owner in enumerate(item.owners) if owner in real.targets]
        centre = (boxes[0][axis] + boxes[0][axis + 2]) / 2
        assert (centre < middle) == (word in ("left", "top")), (real.phrase, boxes)
        seen.add(word)
    assert seen == set(sides)


def test_imagined_layouts_give_much_to_count() -> None:
    kinds: Counter[str] = Counter()
    for seed in range(60):
        random = Random(seed)
        layout = imagine(("ship", "airplane", "car"), random)
        boxes = torch.tensor([o.box for o in layout.objects]) / SIDE
        assert (boxes >= 0).all() and (boxes <= 1).all() and (boxes[:, 2:] > boxes[:, :2]).all()
        assert overlap(boxes[None])[0].fill_diagonal_(0).max() < 0.2
        known = frozenset(("ship", "airplane", "car"))
        kinds.update(a.kind for a in PhraseMaker(random, PhraseBank(), 0.0).about(LayoutScene(layout, known), 6))
    assert kinds["ordinal"] > 20 and kinds["superlative"] > 20 and kinds["position"] > 20
    assert imagine(("ship",), Random(5)) == imagine(("ship",), Random(5))


def test_a_share_of_layouts_is_imagined(tmp_path: Path) -> None:
    toy_imagery.write_layouts(tmp_path / "layouts.jsonl.gz")
    sampler = LayoutSampler(read_layouts(tmp_path / "layouts.jsonl.gz"), TOY, no_target=0.3, hard=0.5, imagined=0.5)
    bank = sampler.bank(Random(0), 50, 4)
    real = [any(a.kind == "real" for a in sampler.draw(Random(seed), bank, 4).asked) for seed in range(60)]
    assert 15 < sum(real) < 45
    for seed in range(60):  # what is meant is always among the candidates
        item = sampler.draw(Random(seed), bank, 4)
        assert all(set(a.targets) <= set(item.owners) for a in item.asked)


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (lambda path: None, "--data.layouts=null"),
        (lambda path: path.write_text("plain text"), "is not a gzip file"),
        (lambda path: path.write_bytes(gzip.compress(b"{}")), "is not a gzip file of JSON lines"),
        (lambda path: path.write_bytes(gzip.compress(b"")), "has no phrase of train"),
    ],
)
def test_unusable_layouts_are_said(write: Callable[[Path], None], said: str, tmp_path: Path) -> None:
    write(tmp_path / "layouts.jsonl.gz")
    with pytest.raises(DataError, match=said):
        read_layouts(tmp_path / "layouts.jsonl.gz")
