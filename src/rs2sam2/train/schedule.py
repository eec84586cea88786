"""Learning-rate schedules: a multiple of the rate for each optimizer step. Nothing is remembered, so nothing can drift.

A step schedule whose drop lies beyond the last epoch never fires (the released RRSIS-D script has one); `never` finds it.
One that lies before the first is in force from the start (-10 in a run of 2 epochs); `always` finds it.
"""

from __future__ import annotations

import math

from rs2sam2.train.recipe import Schedule


def multiple(schedule: Schedule, step: int, total: int, per_epoch: int, epochs: int) -> float:
    """What the rates are multiplied by in optimizer step `step` (0 is the first) of `total`.

    `per_epoch` steps make an epoch; `epochs` is what negative drops count from.
    """
    ramp = min(1.0, (step + 1) / schedule.warmup) if schedule.warmup else 1.0
    if schedule.kind == "step":
        epoch = step // per_epoch
        passed = sum(epoch >= first for first in drops(schedule, epochs))
        return ramp * schedule.factor**passed
    # A warm-up is part of the run: the decay starts after it.
    start = max(schedule.warmup, (1 - schedule.fall) * total) if schedule.kind == "hold" else schedule.warmup
    done = min(max(step - start, 0) / max(total - start, 1), 1.0)
    if schedule.kind in ("cosine", "hold"):
        return ramp * (schedule.final + (1 - schedule.final) * (1 + math.cos(math.pi * done)) / 2)
    if schedule.kind == "linear":
        return ramp * (1 + (schedule.final - 1) * done)
    return ramp


def drops(schedule: Schedule, epochs: int) -> list[int]:
    """Epoch indices of the drops, counted from the start."""
    return [epochs + drop if drop < 0 else drop for drop in schedule.drops]


def never(schedule: Schedule, epochs: int) -> list[int]:
    """Drops that a run of `epochs` epochs does not reach."""
    return [drop for drop in drops(schedule, epochs) if drop >= epochs]


def always(schedule: Schedule, epochs: int) -> list[int]:
    """Drops that are in force from the first step of a run of `epochs` epochs."""
    return [drop for drop in drops(schedule, epochs) if drop <= 0] if schedule.kind == "step" else []
