"""LoRA on BEiT-3: W x + (alpha / rank) B A x with W fixed (E. Hu et al., "LoRA", ICLR 2022)."""

from __future__ import annotations

import math
from collections.abc import Mapping

from torch import Tensor, nn
from torch.nn import functional as F

from rs2sam2.model.beit3 import BEiT3
from rs2sam2.model.layers import LinearGELU
from rs2sam2.train.rs2sam2.options import LoRA

DOWN, UP = "lora_down", "lora_up"


class LoRALinear(nn.Linear):
    """A linear layer with a low-rank update that starts at 0. Its weight and bias keep their names, and a GELU stays."""

    def __init__(self, linear: nn.Linear, settings: LoRA) -> None:
        super().__init__(linear.in_features, linear.out_features, linear.bias is not None, device="meta")
        self.weight, self.bias = linear.weight, linear.bias
        self.lora_down = nn.Parameter(linear.weight.new_empty(settings.rank, linear.in_features))
        self.lora_up = nn.Parameter(linear.weight.new_zeros(linear.out_features, settings.rank))
        self.ratio = settings.alpha / settings.rank
        self.gelu = isinstance(linear, LinearGELU)
        nn.init.kaiming_uniform_(self.lora_down, a=math.sqrt(5))

    def forward(self, x: Tensor) -> Tensor:
        """(..., in) -> (..., out)."""
        y = super().forward(x) + self.ratio * F.linear(F.linear(x, self.lora_down), self.lora_up)
        return F.gelu(y) if self.gelu else y


def add_lora(beit3: BEiT3, settings: LoRA) -> None:
    """Freeze BEiT-3 and give its linear layers low-rank updates, in place."""
    beit3.requires_grad_(False)
    for layer in beit3.layers:
        root = layer if settings.layers == "all" else layer.attention
        assert isinstance(root, nn.Module)
        for parent in list(root.modules()):
            for name, child in list(parent.named_children()):
                if isinstance(child, nn.Linear):
                    setattr(parent, name, LoRALinear(child, settings))


def merged(state: Mapping[str, Tensor], settings: LoRA) -> dict[str, Tensor]:
    """The state with every update added to its weight, as a model without LoRA has it."""
    out = {name: t for name, t in state.items() if not name.endswith((DOWN, UP))}
    for name in state:
        if name.endswith(DOWN):
            stem = name.removesuffix(DOWN)
            update = state[stem + UP].float() @ state[name].float()
            weight = out[stem + "weight"]
            out[stem + "weight"] = (weight.float() + settings.alpha / settings.rank * update).to(weight.dtype)
    return out
