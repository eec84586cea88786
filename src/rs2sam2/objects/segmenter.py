"""The object-first model behind `Predictor`: reads images and phrases, answers, and looks closer at what is small."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from rs2sam2.config import ProcessorConfig
from rs2sam2.data.language.known import names_a_class
from rs2sam2.data.language.plain import plain
from rs2sam2.errors import VocabularyError
from rs2sam2.objects.answer import EMPTY, choice, enlarge, members, outline, tidied
from rs2sam2.objects.candidates import Candidates, overlap
from rs2sam2.objects.corrections import named_box, pick
from rs2sam2.objects.diagnose import diagnose
from rs2sam2.objects.files import load
from rs2sam2.objects.model import ObjectFirst, normalise
from rs2sam2.objects.pyramid import ImageFeatures
from rs2sam2.objects.reader import Reading
from rs2sam2.objects.symbolic import Layouts, second_opinion
from rs2sam2.segmenter import Correction, Segmented, check_phrase, check_text
from rs2sam2.tokenizer import Tokenizer

SMALL = 0.08
"""An object whose box covers less of the image than this is looked at again, in a window of its own."""
WINDOW = 2.4
"""Side of that window in sides of the box."""
LEAST_WINDOW = 64
"""In pixels of the image: there is no more to see in fewer."""
CLOSER_LOOKS = 3
"""At most so many windows for one phrase; of larger groups the coarse masks must do."""
CLOSER_CANDIDATES = 40
"""In a window there is one thing to be found again."""
SAME = 0.4
"""The object is found again where a box in the window overlaps its box by this much."""

UNHEARD_OF = 0.5
"""What is left of the presence of what no class of the model is called by: at most an even chance."""


@dataclass
class Seen:
    """One image, read."""

    image: Image.Image
    features: ImageFeatures
    candidates: Candidates
    described: tuple[Tensor, Tensor] | None = None
    """For all phrases, once one has been read."""
    ground: tuple[Tensor, Tensor] | None = None
    """Pixel features and classes at a finer scale, once ground has been asked for."""
    layouts: Layouts | None = None
    """The candidates as phrases' programs are run on them, once one has been read."""

    def among(self, candidates: Candidates) -> Seen:
        """The same image with other candidates."""
        return Seen(self.image, self.features, candidates, ground=self.ground)


class ObjectSegmenter:
    """See `rs2sam2.segmenter.Segmenter`."""

    def __init__(self, model: ObjectFirst, tokenizer: Tokenizer, *, closer: bool = True) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.closer = closer
        self.decision = ProcessorConfig(decision="logit")
        self.max_batch = 32
        self.image_size = model.config.image_size
        self.min_score = model.config.min_score
        self.device = next(model.parameters()).device
        self.classes = model.config.taught

    def check(self, phrase: str) -> None:
        """Raise UsageError where the phrase is no text, empty or too long."""
        check_text(phrase)
        check_phrase(self._plain(phrase), self.tokenizer)

    @torch.inference_mode()
    def __call__(
        self,
        images: Sequence[Image.Image],
        phrases: Sequence[str],
        image_index: Sequence[int],
        corrections: Sequence[Correction | None],
    ) -> Segmented:
        """See `Segmenter`. Images are read one by one, so that a mask does not depend on its neighbours."""
        size = 2 * self.image_size
        logits = torch.full((len(phrases), size, size), EMPTY, dtype=torch.float32, device="cpu")
        score, presence = torch.zeros(2, len(phrases), dtype=torch.float32, device="cpu")
        config = self.model.config
        with torch.autocast(self.device.type, enabled=False):  # always in float32, whatever surrounds it
            for i, image in enumerate(images):
                rows = [p for p, j in enumerate(image_index) if j == i]
                if not rows:
                    continue
                seen = self.see(image)
                for p in rows:
                    correction = corrections[p]
                    moved = self.corrected(seen, correction, phrases[p]) if correction else None
                    here = moved or seen
                    reading, tokens, chosen = self.read(here, phrases[p], corrected=moved is not None)
                    logits[p] = self.mask(here, reading, tokens, chosen, size)
                    presence[p] = (config.presence_slope * reading.presence[0] + config.presence_offset).sigmoid().cpu()
                    if moved is None and not names_a_class(self._plain(phrases[p]), self.classes):
                        presence[p] *= UNHEARD_OF
                    first = torch.zeros(1, dtype=torch.int64, device=self.device)
                    score[p] = choice(reading, here.candidates, first)[0].softmax(0).max().cpu()
        return Segmented(logits[:, None], score, presence)

    @torch.inference_mode()
    def diagnose(
        self, image: Image.Image, phrases: Sequence[str], truths: Sequence[NDArray[np.bool_]]
    ) -> list[dict[str, float]]:
        """See `rs2sam2.objects.diagnose`."""
        return diagnose(self, image, phrases, truths)

    def see(self, image: Image.Image, window: tuple[float, float, float, float] | None = None) -> Seen:
        """What an image shows, or a window of it (x0, y0, x1, y1 in its pixels)."""
        side = self.image_size if window is None else self.model.config.closer_size
        features = self.model.see(self._pixels(image, window, side))
        return Seen(image, features, self.model.candidates(features, None if window is None else CLOSER_CANDIDATES))

    def _pixels(self, image: Image.Image, window: tuple[float, float, float, float] | None, side: int) -> Tensor:
        """(1, 3, side, side), normalised; of a window (x0, y0, x1, y1 in pixels) where one is given."""
        square = image.resize((side, side), Image.Resampling.BILINEAR, box=window)
        return normalise(torch.from_numpy(np.array(square))[None].to(self.device))

    def read(self, seen: Seen, phrase: str, *, corrected: bool) -> tuple[Reading, Tensor, list[int]]:
        """The reading of a phrase, the candidates' tokens, and which of them it means (the first one if `corrected`)."""
        phrase = self._plain(phrase)
        ids, padding = self.tokenizer.batch([phrase])
        index = torch.zeros(1, dtype=torch.int64, device=self.device)
        if seen.described is None:
            seen.described = self.model.described(seen.candidates, seen.features)
        reading, tokens = self.model.read(
            seen.candidates, seen.features, ids.to(self.device), padding.to(self.device), index, seen.described
        )
        if corrected:
            return reading, tokens, [0]
        if seen.layouts is None:
            config = self.model.config
            seen.layouts = Layouts.of(seen.candidates, config.things, *seen.image.size, untaught=config.untaught)
        reading = second_opinion(reading, [seen.layouts], [phrase], index)
        return reading, tokens, members(reading, seen.candidates, index)[0]

    def _plain(self, phrase: str) -> str:
        return plain(phrase, self.classes)

    def mask(self, seen: Seen, reading: Reading, tokens: Tensor, chosen: list[int], size: int) -> Tensor:
        """(size, size) logits of what was chosen."""
        index = torch.zeros(1, dtype=torch.int64, device=self.device)
        if not chosen:
            masks = self.model.outline.of_ground(*self._ground(seen), index, reading.ground)
            return enlarge(masks, size)[0].cpu()
        whole: Tensor | None = None
        closer: list[tuple[int, Tensor]] = []
        coarse = list(chosen)
        if self.closer and len(chosen) <= CLOSER_LOOKS:
            for i in chosen:
                patch = self._look_closer(seen, i, size)
                if patch is not None:
                    closer.append((i, patch))
                    coarse.remove(i)
        if coarse:
            masks = outline(self.model, seen.features, seen.candidates, tokens, reading, index, [coarse]).cpu()
            if len(coarse) == 1:
                masks = tidied(masks[0])[None]
            whole = enlarge(masks, size)[0]
        for _, patch in closer:
            whole = patch if whole is None else torch.maximum(whole, patch)
        assert whole is not None
        return whole

    def _ground(self, seen: Seen) -> tuple[Tensor, Tensor]:
        """What masks of ground are made of, at a finer scale where the image has it: roads are thin."""
        finer = self.model.config.ground_size > self.image_size
        if not (self.closer and finer and max(seen.image.size) > self.image_size):
            return seen.features.pixel_features, seen.features.classes
        if seen.ground is None:
            seen.ground = self.model.see_ground(self._pixels(seen.image, None, self.model.config.ground_size))
        return seen.ground

    def _look_closer(self, seen: Seen, which: int, size: int) -> Tensor | None:
        """The mask of a candidate from a window around it, (size, size); None where it is large or not found again."""
        box = seen.candidates.boxes[0, which].cpu()
        if float((box[2] - box[0]) * (box[3] - box[1])) > SMALL:
            return None
        width, height = seen.image.size
        x0, y0, x1, y1 = (box * torch.tensor([width, height, width, height], device="cpu")).tolist()
        side = max(WINDOW * max(x1 - x0, y1 - y0), LEAST_WINDOW)
        w, h = min(side, width), min(side, height)
        left, top = min(max((x0 + x1 - w) / 2, 0), width - w), min(max((y0 + y1 - h) / 2, 0), height - h)
        near = self.see(seen.image, (left, top, left + w, top + h))
        inside = box.new_tensor([[(x0 - left) / w, (y0 - top) / h, (x1 - left) / w, (y1 - top) / h]]).to(self.device)
        fit = overlap(near.candidates.boxes, inside[None])[0, :, 0] * (0.3 + near.candidates.score[0])
        best = int(fit.argmax())
        if float(overlap(near.candidates.boxes[:, [best]], inside[None])) < SAME:
            return None
        index = torch.zeros(1, dtype=torch.int64, device=self.device)
        tokens = self.model.describe(near.candidates, near.features)
        logits = self.model.outline.of_objects(
            near.features.object_features, index, near.candidates.boxes[:, best], tokens[:, best], None
        )
        # where the window lies in the square that stands for the whole image
        a, b = round(left / width * size), round((left + w) / width * size)
        c, d = round(top / height * size), round((top + h) / height * size)
        out = torch.full((size, size), EMPTY, dtype=torch.float32, device="cpu")
        out[c:d, a:b] = F.interpolate(logits[None], (d - c, b - a), mode="bilinear", align_corners=False)[0, 0].cpu()
        return out

    def corrected(self, seen: Seen, correction: Correction, phrase: str) -> Seen | None:
        """The candidate that a correction means comes first, and is what is meant, in the box that was given.

        None where the phrase means ground and nothing says otherwise: there is no candidate to go to.
        """
        width, height = seen.image.size
        c, box = seen.candidates, named_box(correction)
        wanted = c.score[0]
        if correction.box is None:
            index = torch.zeros(1, dtype=torch.int64, device=self.device)
            reading, _, chosen = self.read(seen, phrase, corrected=False)
            if not chosen and not correction.points:
                return None
            wanted = choice(reading, c, index)[0]
        at = pick(correction, c.boxes[0], wanted, width, height)
        first = [at, *(i for i in range(c.boxes.shape[1]) if i != at)]
        moved = replace(c, boxes=c.boxes[:, first].clone(), classes=c.classes[:, first], score=c.score[:, first],
                        padding=c.padding[:, first], cells=None if c.cells is None else c.cells[:, first])  # fmt: skip
        if box is not None:
            moved.boxes[0, 0] = moved.boxes.new_tensor(box) / torch.tensor(
                [width, height, width, height], device=self.device
            )
        return seen.among(moved)


def load_segmenter(folder: Path, device: torch.device | str = "cpu", vocabulary: Path | None = None) -> ObjectSegmenter:
    """From a folder of weights. Raises WeightsError, or VocabularyError where no vocabulary lies beside them."""
    from rs2sam2.checkpoint.folder import VOCABULARY_FILE

    path = vocabulary or folder / VOCABULARY_FILE
    if not path.is_file():
        hint = "the folder is incomplete: copy or download it again" if vocabulary is None else "correct --vocabulary"
        raise VocabularyError(f"no {path}; {hint}")
    model = load(folder, device)
    return ObjectSegmenter(model, Tokenizer(path, model.config.vocabulary, model.config.max_tokens))
