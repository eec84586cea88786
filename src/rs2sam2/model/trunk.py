"""What the model asks of an image trunk, so that another can take Hiera's place."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from rs2sam2.config import HieraConfig, TrunkConfig


class Trunk(Protocol):
    """Image and text in, maps at strides 4, 8, 16, 32 and the text out."""

    channels: tuple[int, int, int, int]
    """Channels of the four maps."""
    text_free_maps: int
    """How many maps, from the finest on, never see the text, so that the phrases about an image share them.

    Tensor i of `embed` may then be shared if i < text_free_maps, and map i is shared likewise."""

    def embed(self, image: Tensor) -> list[Tensor]:
        """The part that does not see the phrase, once per image: (B, 3, S, S) -> tensors with B rows."""
        ...

    def __call__(
        self, features: list[Tensor], text: Tensor | None, text_padding: Tensor | None
    ) -> tuple[list[Tensor], Tensor | None]:
        """Tensors of `embed` (B rows, or one per image where shared), text (B, L, T), padding (B, L).

        Returns four maps (B, C, S / stride, S / stride), shared ones with one row per image, and the text.
        """
        ...


def build_trunk(config: TrunkConfig, image_size: int, text_width: int | None) -> Trunk:
    """The trunk that `config` describes; text_width None leaves the text adapters out."""
    from rs2sam2.model.hiera import Hiera
    from rs2sam2.model.lite import LiteTrunk

    if isinstance(config, HieraConfig):
        return Hiera(config, image_size, text_width)
    return LiteTrunk(config, text_width)
