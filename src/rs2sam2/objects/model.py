"""The object-first model: image -> candidates; phrase and candidates -> which are meant; those -> masks."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from rs2sam2.model.lite import LiteTrunk
from rs2sam2.objects.candidates import Candidates, Describe, Refine, peaks, propose
from rs2sam2.objects.config import ObjectFirstConfig
from rs2sam2.objects.outline import Outline
from rs2sam2.objects.pyramid import ImageFeatures, Pyramid
from rs2sam2.objects.reader import Reader, Reading


def normalise(pixels: Tensor) -> Tensor:
    """(B, S, S, 3) uint8 -> (B, 3, S, S), channels last, as EfficientNet-Lite was trained: (x - 127) / 128."""
    return pixels.permute(0, 3, 1, 2).float().sub_(127).div_(128).contiguous(memory_format=torch.channels_last)


class ObjectFirst(nn.Module):
    """Not RS2-SAM2 in small: here the image is read once, whatever the phrases, and language chooses among objects."""

    def __init__(self, config: ObjectFirstConfig) -> None:
        super().__init__()
        self.config = config
        self.trunk = LiteTrunk(config.trunk, text_width=None)
        self.pyramid = Pyramid(config)
        self.refine = Refine(config)
        self.describe = Describe(config)
        self.reader = Reader(config)
        self.outline = Outline(config)

    def see(self, image: Tensor) -> ImageFeatures:
        """Normalised images (B, 3, S, S) -> all that phrases need of them."""
        return self.pyramid(self._maps(image), image)  # type: ignore[no-any-return]

    def see_ground(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """The part of `see` that masks of ground need, of images of any size: (pixel features, classes)."""
        return self.pyramid.ground(self._maps(image))

    def _maps(self, image: Tensor) -> list[Tensor]:
        if torch.is_grad_enabled() or image.device.type != "cpu":
            return self.trunk.embed(image)
        return self.trunk.embed_in_strips(image)

    def candidates(self, features: ImageFeatures, count: int | None = None) -> Candidates:
        """The best candidates of each image; as many as the configuration says, or at most `count`."""
        count = min(count or self.config.candidates, self.config.candidates)
        return self.candidates_at(features, peaks(features.centres, count))

    def candidates_at(self, features: ImageFeatures, cells: Tensor) -> Candidates:
        """The candidates of these cells (B, K), their boxes refined."""
        proposed = propose(features, cells)
        with torch.no_grad():
            return replace(proposed, boxes=self.refine(proposed.boxes, features)[-1])

    def described(self, candidates: Candidates, features: ImageFeatures | None) -> tuple[Tensor, Tensor]:
        """What `read` tells all phrases of the candidates: tokens (B, K, width), pairs (B, depth * heads, K, K)."""
        return self.describe(candidates, features), self.describe.pair_bias(candidates)

    def read(
        self,
        candidates: Candidates,
        features: ImageFeatures | None,
        token_ids: Tensor,
        text_padding: Tensor,
        image_index: Tensor,
        described: tuple[Tensor, Tensor] | None = None,
    ) -> tuple[Reading, Tensor]:
        """What the phrases mean, and the candidates' tokens (B, K, width). Phrase p is about image image_index[p].

        `described` is what `described` gave, where several phrases are read one after the other.
        """
        tokens, bias = described or self.described(candidates, features)
        context = None if features is None else features.context
        reading = self.reader(tokens, candidates.padding, bias, context, token_ids, text_padding, image_index)
        return reading, tokens

    def forward(
        self, image: Tensor, token_ids: Tensor, text_padding: Tensor, image_index: Tensor
    ) -> tuple[Tensor, Reading]:
        """Masks of the first choice (P, S/4, S/4), logits, and the reading. The segmenter puts answers together."""
        features = self.see(image)
        candidates = self.candidates(features)
        reading, tokens = self.read(candidates, features, token_ids, text_padding, image_index)
        chosen = reading.choice.argmax(1)
        phrase = torch.arange(len(chosen), device=chosen.device)
        masks = self.outline.of_objects(
            features.object_features,
            image_index,
            candidates.boxes[image_index, chosen],
            tokens[image_index, chosen],
            reading.objects[phrase, chosen],
        )
        return masks, reading
