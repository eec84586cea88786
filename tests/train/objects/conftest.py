from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "objects"))
import toy_imagery

from rs2sam2.train.recipe import Recipe, load_recipe

RECIPE = """
learner: object-first
epochs: 2
batch: 2
per_device: 2
data:
  root: ROOT
  pools:
    things: {kind: coco, annotations: things/instances.json, images: things/images, weight: 0.4, exclude: [bad.jpg]}
    cover: {kind: masks, masks: cover, images: cover, labels: cover/labels.json, weight: 0.2, zoom: 0.2, exclude: [bad_*]}
    houses: {kind: instances, masks: houses/masks, images: houses/images, category: building, weight: 0.2}
    scenes: {kind: mosaic, labels: scenes/labels.csv, weight: 0.2, zoom: 0}
  layouts: layouts.jsonl.gz
  layouts_beside: 2
  imagined: 0.3
freeze: [stem]
optimizer: {lr: {trunk: 5e-4, rest: 1e-3}, decay_all: false, clip: 5}
schedule: {kind: hold, warmup: 1}
ema: 0.9
log: {every: 1}
"""
Toy = Callable[..., Recipe]


@pytest.fixture(scope="session")
def toy_recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe file with a pool of every kind, and their generated imagery."""
    folder = tmp_path_factory.mktemp("imagery")
    path = folder / "toy.yaml"
    path.write_text(RECIPE.replace("ROOT", str(folder)))
    for pool in load_recipe(path).options.data.pools.values():
        toy_imagery.write_pool(folder, pool)
    toy_imagery.write_layouts(folder / "layouts.jsonl.gz")
    return path


@pytest.fixture
def toy(toy_recipe: Path) -> Toy:
    """The recipe shrunk: 4 steps an epoch."""
    return lambda *more: load_recipe(toy_recipe, [*toy_imagery.QUICK, *more])
