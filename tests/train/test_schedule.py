from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rs2sam2.train.recipe import Schedule, load_recipe
from rs2sam2.train.schedule import always, multiple, never


def at(schedule: Schedule, epoch: int, epochs: int, per_epoch: int = 10) -> float:
    """In the first step of an epoch."""
    return multiple(schedule, epoch * per_epoch, epochs * per_epoch, per_epoch, epochs)


def test_the_released_drop_fires_for_refsegrs_only() -> None:
    refsegrs, rrsisd = load_recipe("refsegrs-released"), load_recipe("rrsisd-released")
    assert [at(refsegrs.schedule, e, 60) for e in (0, 49)] == [1, 1]
    assert [at(refsegrs.schedule, e, 60) for e in (50, 59)] == [pytest.approx(0.1)] * 2
    assert {at(rrsisd.schedule, e, 40) for e in range(40)} == {1}
    assert never(rrsisd.schedule, 40) == [50] and not never(refsegrs.schedule, 60)


def test_the_papers_drop_fires_for_both() -> None:
    for name, epochs in (("rrsisd-paper", 40), ("refsegrs-paper", 60)):
        schedule = load_recipe(name).schedule
        assert [at(schedule, e, epochs) for e in (epochs - 11, epochs - 10)] == [1, pytest.approx(0.1)]
        assert not never(schedule, epochs) and not always(schedule, epochs)


def test_a_drop_before_the_first_epoch_is_found() -> None:
    schedule = load_recipe("rrsisd-paper").schedule
    assert always(schedule, 2) == [-8] and always(schedule, 10) == [0] and not always(schedule, 11)
    assert at(schedule, 0, 2) == at(schedule, 0, 10) == pytest.approx(0.1)
    assert not always(Schedule(kind="cosine", drops=(-10,)), 2)  # which drops nothing


def test_warm_up_and_cosine_by_hand() -> None:
    schedule = Schedule(kind="cosine", warmup=4, final=0.2)
    values = [multiple(schedule, step, 12, 4, 3) for step in range(12)]
    assert values[:4] == [0.25, 0.5, 0.75, 1.0]
    assert values[8] == pytest.approx(0.2 + 0.8 / 2)  # half of the 8 steps that are left
    assert multiple(schedule, 12, 12, 4, 3) == pytest.approx(0.2)
    linear = Schedule(kind="linear", final=0.5)
    assert [multiple(linear, s, 4, 2, 2) for s in range(5)] == [1, 0.875, 0.75, 0.625, 0.5]
    assert multiple(Schedule(kind="constant", warmup=2), 0, 9, 3, 3) == 0.5


def test_a_held_rate_falls_in_the_last_part() -> None:
    schedule = Schedule(kind="hold", warmup=2, fall=0.4, final=0.2)
    values = [multiple(schedule, step, 10, 5, 2) for step in range(11)]
    assert values[:7] == [0.5, 1, 1, 1, 1, 1, 1]
    assert values[8] == pytest.approx(0.2 + 0.8 / 2)  # half of the last 4 steps
    assert values[10] == pytest.approx(0.2)
    longer = [multiple(schedule, step, 20, 5, 4) for step in range(6)]
    assert longer == values[:6]  # a longer run goes on from before the fall as if it had always been longer


@given(
    st.sampled_from(["step", "cosine", "linear", "constant", "hold"]),
    st.integers(0, 50),
    st.integers(1, 400),
    st.floats(0, 1),
)
def test_a_multiple_is_never_out_of_bounds(kind: str, warmup: int, total: int, final: float) -> None:
    schedule = Schedule(kind=kind, warmup=warmup, final=final, drops=(-1,))  # type: ignore[arg-type]
    values = [multiple(schedule, step, total, 10, 40) for step in range(total)]
    assert all(0 <= v <= 1 for v in values)
    later = values[warmup:]
    assert all(a >= b - 1e-12 for a, b in itertools.pairwise(later))
