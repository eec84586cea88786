"""The learners that a recipe can choose with `learner: name`."""

from __future__ import annotations

import typing
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rs2sam2.train.learner import Learner

LEARNERS = {
    "rs2sam2": "rs2sam2.train.rs2sam2.learner:RS2SAM2Learner",
    "object-first": "rs2sam2.train.objects.learner:ObjectFirstLearner",
}
"""Name in a recipe -> module and class, imported when it is used."""


def learner_class(name: str) -> type[Learner]:
    """The class behind a name of `LEARNERS`."""
    module, _, attribute = LEARNERS[name].partition(":")
    return typing.cast("type[Learner]", getattr(import_module(module), attribute))


def options_of(name: str) -> type[Any]:
    """The dataclass of the recipe's keys that are this learner's own."""
    return learner_class(name).Options
