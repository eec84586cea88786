"""Text conditioning inside the image trunk: bidirectional hierarchical fusion (paper eq. 1-2)."""

from __future__ import annotations

from torch import Tensor, nn

from rs2sam2.model.layers import LinearGELU, MultiheadAttention

TEXT_KEPT = 0.8
"""Share of the text stream that passes an adapter unchanged; the rest is what the pixels answered."""


class TextAdapter(nn.Module):
    """Pixels ask the words, the words ask the updated pixels, both go on.

    a = GELU(down h);          u = text_in t
    a = a + pixels_to_words(a, u)
    u = u + words_to_pixels(u, a)      # the paper has the old pixels here, the released weights the updated ones
    t = 0.8 t + 0.2 text_out u
    h = h + up a

    `last`: the text that leaves is used by nobody, so the three lines that make it have no parameters.
    """

    def __init__(self, width: int, hidden: int, text_width: int, heads: int = 4, *, last: bool = False) -> None:
        super().__init__()
        self.down = LinearGELU(width, hidden)
        self.up = nn.Linear(hidden, width)
        self.text_in = nn.Linear(text_width, hidden)
        self.pixels_to_words = MultiheadAttention(hidden, heads, few="keys")
        self.words_to_pixels = None if last else MultiheadAttention(hidden, heads, few="queries")
        self.text_out = None if last else nn.Linear(hidden, text_width)

    def forward(self, h: Tensor, text: Tensor, text_padding: Tensor | None) -> tuple[Tensor, Tensor]:
        """Pixels h (B, ..., C), text (B, L, T), text_padding (B, L) True = ignore -> the same two, updated."""
        a = self.down(h.flatten(1, -2))
        u = self.text_in(text)
        a = a + self.pixels_to_words(a, u, text_padding)
        if self.words_to_pixels is not None and self.text_out is not None:
            u = u + self.words_to_pixels(u, a)
            text = TEXT_KEPT * text + (1 - TEXT_KEPT) * self.text_out(u)
        return h + self.up(a).view_as(h), text


class MLPAdapter(nn.Module):
    """up(GELU(down y)), without a skip of its own; the trunk adds half of it."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.down = LinearGELU(width, hidden)
        self.up = nn.Linear(hidden, width)

    def forward(self, y: Tensor) -> Tensor:
        """(..., C) -> (..., C)."""
        return self.up(self.down(y))  # type: ignore[no-any-return]
