"""`Predictor`: images and phrases in, masks out. The command line, scenes and servers are built on it.

The predictor handles images, sizes and results. A `Segmenter` behind it finds the masks, so that a quite different model
can take RS2-SAM2's place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from rs2sam2.checkpoint.folder import BUNDLED, is_object_first, load_model, locate, open_folder
from rs2sam2.config import BackendName, DTypeName, HieraConfig, RS2SAM2Config
from rs2sam2.errors import UsageError, VocabularyError
from rs2sam2.model.packing import make_ready
from rs2sam2.model.recording import RecordedAnswers
from rs2sam2.model.rs2sam2 import RS2SAM2, ImageParts, SAMPrompts
from rs2sam2.processor import ImageLike, Processor, read_image
from rs2sam2.segmenter import Correction, Prediction, Segmented, Segmenter, check_phrase
from rs2sam2.tokenizer import Tokenizer

__all__ = ["Correction", "Prediction", "Predictor", "RS2SAM2Segmenter", "Segmented", "Segmenter", "pick_device"]

DTYPES = {
    "float32": (torch.float32, torch.float32),
    "mixed": (torch.float32, torch.bfloat16),
    "bfloat16": (torch.bfloat16, torch.bfloat16),
}
"""Precision of all but the trunk, and of the trunk."""


BYTES_PER_PHRASE = 0.31e9
"""Bytes of GPU memory for a phrase about an image of 1024 px, in bfloat16 with the large model (docs/performance.md)."""


class RS2SAM2Segmenter:
    """RS2-SAM2 with its tokenizer and processor, as a `Segmenter`."""

    def __init__(self, model: RS2SAM2, tokenizer: Tokenizer) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.processor = Processor(model.config)
        self.decision = model.config.processor
        self.device = next(model.parameters()).device
        self.answer = RecordedAnswers(model) if self.device.type == "cuda" else model.answer
        # on a CPU a phrase that runs through all of Hiera gains nothing from company, and needs memory
        large = isinstance(model.config.trunk, HieraConfig)
        self.max_batch = 1 if large and model.config.text_adapters else 8
        if self.device.type == "cuda":
            free = torch.cuda.mem_get_info(self.device)[0]
            self.max_batch = phrases_that_fit(free, model.config.image_size, model.dtype) if large else 16
        # a recording serves one thread at a time, and while it is made no other may use the GPU
        self._in_turn = Lock() if self.device.type == "cuda" else nullcontext()
        self._seen: tuple[list[Image.Image], ImageParts] | None = None  # for the next phrases about the same images
        self.image_size = model.config.image_size  # what scenes cut their tiles to

    def __reduce__(self) -> tuple[Callable[..., RS2SAM2Segmenter], tuple[Any, ...]]:
        """Copied and pickled without what is recorded and kept."""
        return RS2SAM2Segmenter, (self.model, self.tokenizer)

    def check(self, phrase: str) -> None:
        """Raise UsageError if the phrase is no text, is empty or is too long."""
        check_phrase(phrase, self.tokenizer)

    @torch.inference_mode()
    def __call__(
        self,
        images: Sequence[Image.Image],
        phrases: Sequence[str],
        image_index: Sequence[int],
        corrections: Sequence[Correction | None],
    ) -> Segmented:
        """See `Segmenter`."""
        ids, padding = self.tokenizer.batch(phrases)
        with self._in_turn:
            output = self.answer(
                self._look(images),
                ids.to(self.device),
                padding.to(self.device),
                torch.tensor(image_index, device=self.device),
                self._prompts([images[i].size for i in image_index], corrections),
            )
            presence = output.object_score.float().sigmoid().cpu() if self.model.config.presence else None
            return Segmented(output.mask_logits.float().cpu(), output.iou_score.float().cpu(), presence)

    def _look(self, images: Sequence[Image.Image]) -> ImageParts:
        """The part that all phrases about these images share; that of the last call is kept."""
        seen = self._seen  # read once: another thread may ask about other images meanwhile
        if seen and len(images) == len(seen[0]) and all(a is b for a, b in zip(images, seen[0], strict=True)):
            return seen[1]
        self._seen = seen = None  # before there are two
        trunk, beit3 = self.processor.images(images)
        parts = self.model.look(trunk.to(self.device), None if beit3 is None else beit3.to(self.device))
        self._seen = (list(images), parts)
        return parts

    def _prompts(self, sizes: list[tuple[int, int]], corrections: Sequence[Correction | None]) -> SAMPrompts | None:
        """Corrections in pixels of each image -> prompts in pixels of the model's square."""
        given = [c for c in corrections if c is not None]
        if not given:
            return None
        if len(given) < len(corrections):
            raise UsageError("corrections must be given for all pairs of a batch or for none")
        ratios = torch.tensor([[self.model.config.image_size / w, self.model.config.image_size / h] for w, h in sizes])
        boxes = [c.box for c in given if c.box is not None]
        if boxes and len(boxes) < len(given):
            raise UsageError("a box must be given for all pairs of a batch or for none")
        count = max(len(c.points) + len(c.not_points) for c in given)
        points, labels = torch.zeros(len(given), count, 2), torch.full((len(given), count), -1)
        for row, correction in enumerate(given):
            listed = [*correction.points, *correction.not_points]
            if listed:
                points[row, : len(listed)] = torch.tensor(listed) * ratios[row]
                labels[row, : len(listed)] = torch.tensor(
                    [1] * len(correction.points) + [0] * len(correction.not_points)
                )
        previous = [c.previous for c in given if c.previous is not None]
        if previous and len(previous) < len(given):
            raise UsageError("a previous prediction must be given for all pairs of a batch or for none")
        side = self.model.config.image_size // 4
        return SAMPrompts(
            points=points.to(self.device) if count else None,
            point_labels=labels.to(self.device) if count else None,
            boxes=(torch.tensor(boxes) * ratios.repeat(1, 2)).to(self.device) if boxes else None,
            previous_logits=torch.stack([_square(p.logits, side) for p in previous]).to(self.device)
            if previous
            else None,
        )


class Predictor:
    """Find what a phrase refers to.

    predictor = Predictor.load()                                   # the bundled small model
    results = predictor.predict("harbour.png", ["the ship on the left", "all storage tanks"])
    results[0].mask, results[0].score, results[0].box
    """

    def __init__(self, segmenter: Segmenter, name: str = "") -> None:
        self.segmenter = segmenter
        self.name = name

    @classmethod
    def load(
        cls,
        weights: str | Path = BUNDLED,
        *,
        revision: str | None = None,
        subfolder: str | None = None,
        vocabulary: str | Path | None = None,
        device: str = "auto",
        dtype: DTypeName = "auto",
        backend: BackendName = "torch",
    ) -> Predictor:
        """A predictor with these weights: "nano" (the bundled model), a folder, a file or a hub id.

        `revision` (branch, tag or commit) and `subfolder` belong to a hub id; a folder can have a subfolder, too.
        `vocabulary` is the tokenizer's file, if none lies beside the weights. `device`: "auto", "cpu", "cuda", "cuda:1" ...

        `dtype` "auto" is the fastest that keeps the mask: bfloat16 on a GPU that has it, mixed for a Hiera trunk on a CPU
        that has it, else float32. The bundled model and others of its family always compute in float32. `backend`
        "onnxruntime" takes a folder that `rs2sam2 export` wrote. On a GPU, forward passes of shapes that come often are
        recorded (`rs2sam2.model.recording`).

        Raises WeightsError or VocabularyError (exit code 5), or UsageError for a device that is not there.
        """
        place = pick_device(device)
        if dtype not in ("auto", *DTYPES):
            raise UsageError(f"no dtype {dtype!r}; choose auto, {', '.join(list(DTYPES)[:-1])} or {list(DTYPES)[-1]}")
        located = locate(weights, revision, subfolder)
        if backend not in ("torch", "onnxruntime"):
            raise UsageError(f"no backend {backend!r}; choose torch or onnxruntime")
        if backend == "onnxruntime":
            from rs2sam2.portable.runtime import load_onnx

            if (place.type != "cpu" and device != "auto") or dtype not in ("auto", "float32"):
                raise UsageError("the backend onnxruntime runs float32 on the CPU as it is; leave device, dtype out")
            exported = load_onnx(located, None if vocabulary is None else Path(vocabulary))
            return cls(exported, exported.config.name)
        if is_object_first(located):
            from rs2sam2.objects.segmenter import load_segmenter

            if dtype not in ("auto", "float32"):
                raise UsageError(
                    f"dtype {dtype} was asked for, but the bundled model and its like compute in float32; leave dtype out"
                )
            objects = load_segmenter(located, place, vocabulary=None if vocabulary is None else Path(vocabulary))
            return cls(objects, objects.model.config.name)
        folder = open_folder(located)
        config = folder.plan.config
        path = Path(vocabulary) if vocabulary is not None else folder.vocabulary
        if path is None:
            raise VocabularyError(
                f"no vocabulary beside {folder.path}; put beit3.spm there or pass --vocabulary beit3.spm"
            )
        tokenizer = Tokenizer(path, config.beit3.vocabulary, config.beit3.max_tokens)  # before the weights: it is quick
        kind, trunk_kind = DTYPES[pick_dtype(place, config) if dtype == "auto" else dtype]
        # on a CPU the file is mapped as it is, and each matrix becomes what it must be when it is packed
        model = load_model(folder.plan, place, kind if place.type == "cuda" else torch.float32)
        make_ready(model, kind, trunk_kind, folder.plan.release)
        return cls(RS2SAM2Segmenter(model, tokenizer), config.name)

    def predict(
        self, image: ImageLike, phrases: str | Sequence[str], *, correction: Correction | None = None
    ) -> list[Prediction]:
        """One prediction per phrase, in order. Raises UsageError for what is no image, and for empty or too long phrases.

        A correction applies to all the phrases.
        """
        return self.predict_batch([image], [phrases], correction=correction)[0]

    def predict_batch(
        self,
        images: Sequence[ImageLike],
        phrases: Sequence[str | Sequence[str]],
        *,
        correction: Correction | None = None,
    ) -> list[list[Prediction]]:
        """Ask `phrases[i]` (one or several) about `images[i]`; gives a list of predictions per image, in order."""
        if isinstance(phrases, str):
            raise UsageError("predict_batch takes a list of phrases, or of lists of them, one for each image")
        if not isinstance(correction, Correction | None):
            raise UsageError(f"correction is a {type(correction).__name__}; wanted one Correction, for all the phrases")
        if len(images) != len(phrases):
            raise UsageError(f"{len(images)} images but phrases for {len(phrases)}; give a list of phrases per image")
        asked = [[p] if isinstance(p, str) else list(p) for p in phrases]
        for phrase in (p for group in asked for p in group):
            self.segmenter.check(phrase)
        opened = [read_image(image) for image in images]
        results: list[list[Prediction]] = [[] for _ in images]
        pairs = [(i, phrase) for i, group in enumerate(asked) for phrase in group]
        for batch in _chunks(pairs, self.segmenter.max_batch):
            used = sorted({i for i, _ in batch})
            out = self.segmenter(
                [opened[i] for i in used],
                [p for _, p in batch],
                [used.index(i) for i, _ in batch],
                [correction] * len(batch),
            )
            for row, (i, phrase) in enumerate(batch):
                width, height = opened[i].size
                results[i].append(out.prediction(row, phrase, (height, width), self.segmenter))
        return results


def phrases_that_fit(free: int, image_size: int, dtype: torch.dtype) -> int:
    """How many phrases a GPU with `free` bytes takes at a time, using half of them: 1 to 16, a power of two."""
    each = BYTES_PER_PHRASE * (image_size / 1024) ** 2 * dtype.itemsize / 2
    return 1 << min(4, max(1, int(free / 2 / each)).bit_length() - 1)


def pick_device(device: str) -> torch.device:
    """The device, if it is there; otherwise raises UsageError, which says what to type."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        wanted = torch.device(device)
    except RuntimeError:
        raise UsageError(f"no device {device!r}; choose auto, cpu or cuda") from None
    if wanted.type == "cuda" and (not torch.cuda.is_available() or (wanted.index or 0) >= torch.cuda.device_count()):
        raise UsageError(
            f"device {device!r} was asked for, but torch sees {torch.cuda.device_count()} GPUs; use --device cpu"
        )
    if wanted.type not in ("cpu", "cuda"):
        raise UsageError(f"device {device!r} is not supported; choose auto, cpu or cuda")
    return wanted


def pick_dtype(device: torch.device, config: RS2SAM2Config) -> DTypeName:
    """The fastest dtype that keeps the mask on this device (docs/performance.md)."""
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
    return "mixed" if isinstance(config.trunk, HieraConfig) and cpu_has_bfloat16() else "float32"


def cpu_has_bfloat16() -> bool:
    """Whether this CPU multiplies bfloat16 itself (AVX-512 BF16, AMX); if not, float32 is as fast and more exact."""
    can: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()  # torch < 2.10 does not say
    return bool(can.get("avx512_bf16") or can.get("amx_bf16"))


def _square(logits: NDArray[np.float32], side: int) -> Tensor:
    """(H, W) -> (1, side, side)."""
    return torch.nn.functional.interpolate(
        torch.from_numpy(logits)[None, None], (side, side), mode="bilinear", antialias=True
    )[0]


def _chunks(pairs: list[tuple[int, str]], size: int) -> Iterator[list[tuple[int, str]]]:
    for start in range(0, len(pairs), size):
        yield pairs[start : start + size]
