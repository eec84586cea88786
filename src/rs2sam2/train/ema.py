"""Exponential moving average of the trained weights."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

START = 10
"""The decay grows as (1 + n) / (START + n) with the update n until it reaches its value: a mean of few is not of the start."""


class EMA:
    """A float32 mean of the tensors it was made from. Sharded tensors (FSDP2) stay sharded."""

    def __init__(self, weights: Mapping[str, Tensor], decay: float) -> None:
        self.decay = decay
        self.updates = 0
        self.mean = {name: weight.detach().float().clone() for name, weight in weights.items()}

    @torch.no_grad()
    def update(self, weights: Mapping[str, Tensor]) -> None:
        """Take the weights of this step in."""
        decay = min(self.decay, (1 + self.updates) / (START + self.updates))
        self.updates += 1
        for name, mean in self.mean.items():
            mean.lerp_(weights[name].detach().float(), 1 - decay)
