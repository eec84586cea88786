"""A model that was exported to ONNX, behind `Predictor`: ONNX Runtime computes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from rs2sam2.checkpoint.folder import CONFIG_FILE, VOCABULARY_FILE
from rs2sam2.config import RS2SAM2Config
from rs2sam2.errors import UsageError, VocabularyError, WeightsError
from rs2sam2.portable.graph import FILES, OUTPUTS, input_names, open_session
from rs2sam2.processor import Processor
from rs2sam2.segmenter import Correction, Segmented, check_phrase
from rs2sam2.tokenizer import Tokenizer


class OnnxSegmenter:
    """See `rs2sam2.segmenter.Segmenter`. One phrase at a time, as the graph is."""

    def __init__(self, session: Any, config: RS2SAM2Config, tokenizer: Tokenizer) -> None:
        self.session = session
        self.config = config
        self.tokenizer = tokenizer
        self.processor = Processor(config)
        self.decision = config.processor
        self.image_size = config.image_size
        self.max_batch = 8

    def check(self, phrase: str) -> None:
        """Raise UsageError where the phrase is empty or too long."""
        check_phrase(phrase, self.tokenizer)

    def __call__(
        self,
        images: Sequence[Image.Image],
        phrases: Sequence[str],
        image_index: Sequence[int],
        corrections: Sequence[Correction | None],
    ) -> Segmented:
        """See `Segmenter`."""
        if any(c is not None for c in corrections):
            raise UsageError("corrections are not part of an exported model; use the weights it was exported from")
        views = [view.numpy() for view in self.processor.images(images) if view is not None]
        answers = []
        for phrase, i in zip(phrases, image_index, strict=True):
            ids, padding = self.tokenizer.batch([phrase])
            given = [*(view[i : i + 1] for view in views), ids.numpy(), padding.numpy()]
            inputs = dict(zip(input_names(self.config), given, strict=True))
            answers.append(self.session.run(list(OUTPUTS), inputs))
        logits, iou, score = (torch.from_numpy(np.concatenate(part)) for part in zip(*answers, strict=True))
        return Segmented(logits, iou, score.sigmoid() if self.config.presence else None)


def load_onnx(weights: Path, vocabulary: Path | None = None) -> OnnxSegmenter:
    """From a folder that `rs2sam2 export` wrote, or the graph in it. Raises WeightsError or VocabularyError."""
    path = weights if weights.is_file() and weights.suffix == ".onnx" else weights / FILES["onnx"]
    folder = path.parent
    if not path.is_file():
        raise WeightsError(
            f"no {path.name} in {folder}: make it with 'rs2sam2 export WEIGHTS --format onnx -o {folder}'"
        )
    try:
        config = RS2SAM2Config.from_json((folder / CONFIG_FILE).read_text(encoding="utf-8"))
    except (OSError, UsageError) as error:
        raise WeightsError(f"{folder / CONFIG_FILE} does not describe an exported model ({error})") from None
    spm = vocabulary or folder / VOCABULARY_FILE
    if not spm.is_file():
        raise VocabularyError(f"no {spm}; pass the vocabulary with --vocabulary")
    return OnnxSegmenter(open_session(path), config, Tokenizer(spm, config.beit3.vocabulary, config.beit3.max_tokens))
