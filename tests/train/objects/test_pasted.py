from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest
import toy_imagery

from rs2sam2.data.language.layout import Layout, SceneObject
from rs2sam2.errors import DataError
from rs2sam2.train.objects.learner import ObjectFirstLearner
from rs2sam2.train.objects.options import PoolOptions
from rs2sam2.train.objects.pasted import PastedPool, pasted_pool
from rs2sam2.train.objects.pools import open_parted
from rs2sam2.train.recipe import Recipe

Toy = Callable[..., Recipe]
PASTED = "--data.pools.pasted={kind: pasted, layouts: layouts.jsonl.gz, labels: scenes/labels.csv, weight: 0.5}"


def pool_of(recipe: Recipe, share: float = 0.0) -> PastedPool:
    data = recipe.options.data
    (pool,) = [p for p in open_parted(Path(data.root), data.pools, share)[0] if isinstance(p, PastedPool)]
    return pool


def filled(pool: PastedPool, width: int, height: int, *objects: tuple[str, tuple[int, int, int, int]]) -> PastedPool:
    """The pool with one layout of its own."""
    listed = tuple(SceneObject(name, box, (box[2] - box[0]) * (box[3] - box[1])) for name, box in objects)
    return replace(pool, layouts=(Layout(width, height, listed),))


def test_layouts_are_filled_with_what_they_name(toy: Toy) -> None:
    pool = pool_of(toy(PASTED))
    assert set(pool.cut_outs) == {"ship", "airplane", "storage tank"} and len(pool) == 8
    things = ("ship", (10, 10, 40, 40)), ("storagetank", (90, 60, 120, 95)), ("vehicle", (150, 10, 180, 30))
    for seed in range(10):
        source = filled(pool, 200, 120, *things).draw(Random(seed))
        assert source.pixels.shape == (120, 200, 3) and source.known == set(pool.cut_outs)
        assert {o.category for o in source.layout.objects} == {"ship", "storage tank"}  # there is no vehicle to cut out
        for o, piece in zip(source.layout.objects, source.pieces, strict=True):
            assert piece is not None
            inner = np.asarray(piece.mask) > 127
            assert o.box == (piece.left, piece.top, piece.left + inner.shape[1], piece.top + inner.shape[0])
            assert o.area == inner.sum()
            here = source.pixels[piece.top :, piece.left :][: inner.shape[0], : inner.shape[1]][inner]
            assert np.abs(np.median(here, axis=0) - toy_imagery.THINGS[o.category]).max() < 40


def test_pasted_things_fit_their_boxes_and_keep_their_shape(toy: Toy) -> None:
    pool = pool_of(toy(PASTED))
    (o,) = filled(pool, 400, 300, ("ship", (100, 200, 130, 240))).draw(Random(0)).layout.objects
    x0, y0, x1, y1 = o.box
    assert x0 >= 99 and y0 >= 199 and x1 <= 131 and y1 <= 241 and (x1 - x0 >= 27 or y1 - y0 >= 37)
    huge = filled(pool, 400, 300, ("ship", (0, 0, 400, 300)))
    assert not huge.draw(Random(0)).pieces  # every cut-out would be a blur


def test_what_is_covered_is_gone(toy: Toy) -> None:
    pool = pool_of(toy(PASTED))
    below, above, aside = ("ship", (40, 40, 70, 80)), ("airplane", (40, 41, 69, 80)), ("ship", (120, 40, 150, 80))
    both = filled(pool, 200, 160, below, above, aside)
    for seed in range(5):
        source = both.draw(Random(seed))
        shown = np.zeros((160, 200), int)
        for piece in source.pieces:
            assert piece is not None
            mask = np.asarray(piece.mask) > 127
            shown[piece.top : piece.top + mask.shape[0], piece.left : piece.left + mask.shape[1]] += mask
        assert shown.max() == 1 and len(source.pieces) < 3


def test_only_what_is_trained_on_is_cut_out(toy: Toy) -> None:
    data = toy(PASTED).options.data
    kept, held = open_parted(Path(data.root), data.pools, 0.4)
    used = {c.record.image for p in kept if isinstance(p, PastedPool) for cuts in p.cut_outs.values() for c in cuts}
    assert used and not used & {r.image for p in held for r in getattr(p, "records", ())}


def test_a_learner_with_it(toy: Toy) -> None:
    import torch

    learner = ObjectFirstLearner(toy(PASTED, "--data.pools.scenes.weight=0.01"), torch.device("cpu"))
    data = learner.training_data()
    assert torch.isfinite(learner.module(learner.collate([data[i] for i in range(3)]))["loss_total"])


def test_nothing_to_paste_is_said(toy: Toy) -> None:
    root = Path(toy().options.data.root)
    pool = PoolOptions(kind="pasted", layouts="layouts.jsonl.gz", labels="scenes/labels.csv", weight=1)
    with pytest.raises(DataError, match=r"pool p: no object to cut out.*--data.pools.p=null"):
        pasted_pool("p", pool, root, [])
    records = [r for p in open_parted(root, toy().options.data.pools, 0)[0] for r in getattr(p, "records", ())]
    assert len(pasted_pool("p", replace(pool, grounds=("none_image1*",)), root, records).grounds) == 1
    with pytest.raises(DataError, match=r"no picture of category none in .*labels.csv that fits grounds"):
        pasted_pool("p", replace(pool, grounds=("Forest/*",)), root, records)
