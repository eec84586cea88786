"""What is trained, at which rate: the released parameter groups at full size, and freezing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from toy_runs import numbers

from rs2sam2.errors import UsageError
from rs2sam2.model.rs2sam2 import RS2SAM2
from rs2sam2.presets import preset
from rs2sam2.train.loop import CHECKPOINT, train
from rs2sam2.train.optimizer import MasterOptimizer
from rs2sam2.train.recipe import Optimizer, load_recipe
from rs2sam2.train.rs2sam2.components import COMPONENTS, GROUPS, component
from rs2sam2.train.rs2sam2.learner import RS2SAM2Learner, freeze

Overrides = Callable[..., list[str]]

RELEASED = {
    # Counted in the names of the released checkpoint, less what reaches no output: the last block's text_out and
    # words-to-pixels attention, BEiT-3's mask token, mask 1-3's hypernetworks, no_mask_embed, the position codes' buffer.
    "adapters": 30_331_560 - 406_912,
    "gate": 263_168,
    "mask_prompt": 5_249_025,
    "text": 672_702_464 - 1_024,
    "heads": 1_574_657,
    "decoder": 4_221_585 - 3 * 139_808 - 256 - 256,
    "stem": 37_584,
    "trunk": 212_149_296 - 37_584,
    "neck": 553_984 + 256,  # with SAM2's no-memory embedding
}


@pytest.fixture(scope="module")
def large() -> RS2SAM2:
    with torch.device("meta"):
        return RS2SAM2(preset("large"))


def test_components_at_full_size(large: RS2SAM2) -> None:
    counts: Counter[str] = Counter()
    for name, parameter in large.named_parameters():
        counts[component(name)] += parameter.numel()
    assert dict(counts) == RELEASED
    assert set(RELEASED) == set(COMPONENTS) == {c for components in GROUPS.values() for c in components}


@pytest.mark.parametrize("name", ["rrsisd-released", "refsegrs-released", "rrsisd-paper", "refsegrs-paper"])
def test_released_groups_at_full_size(large: RS2SAM2, name: str) -> None:
    recipe = load_recipe(name)
    for parameter in large.parameters():
        parameter.requires_grad_(True)
    freeze(large, recipe.options.freeze)
    learner = RS2SAM2Learner.__new__(RS2SAM2Learner)
    learner.module = large
    optimizer = MasterOptimizer(learner.groups(), recipe.optimizer)
    rest = sum(RELEASED[c] for c in ("text", "heads", "decoder"))
    fusion = sum(RELEASED[c] for c in ("adapters", "gate", "mask_prompt"))
    assert optimizer.counts() == {"fusion": fusion, "text": RELEASED["text"], "rest": rest - RELEASED["text"]}
    assert (fusion, rest) == (35_436_841, 678_077_746)
    rates = {"rrsisd-paper": (5e-5, 1e-5)}.get(name, (1e-4, 5e-5))
    assert optimizer.rates == {"fusion": rates[0], "text": rates[1], "rest": rates[1]}
    assert all(g["weight_decay"] == 0.01 for g in optimizer.adamw.param_groups)


def test_norms_tables_and_biases_may_keep_from_decaying(large: RS2SAM2) -> None:
    learner = RS2SAM2Learner.__new__(RS2SAM2Learner)
    learner.module = large
    optimizer = MasterOptimizer(learner.groups(), Optimizer(decay_all=False, weight_decay=0.1))
    decays = {id(p): g["weight_decay"] for g in optimizer.adamw.param_groups for p in g["params"]}
    for name, parameter in optimizer.weights.items():
        kept = name.endswith("bias") or parameter.ndim < 2 or ("embedding.weight" in name and "patch" not in name)
        if kept or "positions" in name or "token" in name:
            assert decays[id(parameter)] == 0, name
    assert decays[id(optimizer.weights["beit3.layers.0.ffn.text.fc1.weight"])] == 0.1


def test_rates_for_unknown_groups_are_refused(large: RS2SAM2) -> None:
    learner = RS2SAM2Learner.__new__(RS2SAM2Learner)
    learner.module = large
    with pytest.raises(UsageError, match="names heads; the groups are"):
        MasterOptimizer(learner.groups(), Optimizer(lr={"rest": 1e-4, "heads": 1e-3}))


@pytest.mark.parametrize("frozen", ["text", "trunk", "decoder"])
def test_what_is_frozen_stays_and_all_else_moves(frozen: str, small: Overrides, tmp_path: Path) -> None:
    recipe = load_recipe("rrsisd-released", small("--steps=2", f"--freeze=[{frozen}]", "--schedule.kind=constant"))
    learner = RS2SAM2Learner(recipe, torch.device("cpu"))
    before = {name: p.detach().clone() for name, p in learner.module.named_parameters()}
    train(recipe, tmp_path / "a")
    after = numbers(tmp_path / "a" / CHECKPOINT, "model/")
    # no loss reads these: SAM2's own prompts, and the two heads that the released losses say nothing of
    unread = ("prompt_encoder.points", "not_a_point", "iou_head", "object_head")
    for name, old in before.items():
        moved = not torch.equal(after[f"model/{name}"], old)
        expected = component(name) != frozen and not any(word in name for word in unread)
        if expected and not moved:  # a table has rows that no phrase names; adapters behind a zero start one step late
            assert "embedding" in name or "positions" in name or "adapter" in name, name
        assert not moved or expected, name
