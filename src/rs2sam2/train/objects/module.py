"""A batch in, its losses out: the model with what judges it, as one module that can be wrapped."""

from __future__ import annotations

from torch import Tensor, nn

from rs2sam2.objects.model import ObjectFirst
from rs2sam2.train.objects.data import TrainingBatch
from rs2sam2.train.objects.losses import layout_losses, view_losses
from rs2sam2.train.objects.options import Losses


class TrainedObjects(nn.Module):
    """The object-first model and its losses."""

    def __init__(self, model: ObjectFirst, losses: Losses) -> None:
        super().__init__()
        self.model = model
        self.losses = losses

    def forward(self, batch: TrainingBatch) -> dict[str, Tensor]:
        """The losses by name, scalars; `loss_total` is their weighted sum. Also `layout_right`, see `right_choices`."""
        parts = view_losses(self.model, batch.views)
        told: dict[str, Tensor] = {}
        if batch.layouts is not None:
            parts |= layout_losses(self.model, batch.layouts)
            told["layout_right"] = parts.pop("layout_right")
        total = sum(getattr(self.losses, name) * value for name, value in parts.items())
        assert isinstance(total, Tensor)
        return {f"loss_{name}": value for name, value in parts.items()} | told | {"loss_total": total}
