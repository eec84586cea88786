"""CUDA graphs: the launches of a forward of one shape recorded once, then replayed at the cost of one.

About one image the large model launches thousands of kernels of a few microseconds each: a GPU waits for the program that
launches them.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.nn import functional as F

from rs2sam2.model.rs2sam2 import RS2SAM2, ImageParts, RS2SAM2Output, SAMPrompts

T = TypeVar("T")
SEEN = 3
"""Times a shape must come before it is recorded, which takes as long as some forwards."""
KEPT = 16
"""Recordings that are kept, the latest used."""
TOKENS = 8
"""Phrases are padded to so many tokens, or twice as many, and so on: few shapes occur, and rows of matrices are aligned."""
PAD_ID = 1  # `<pad>` in the XLM-R layout of token ids


class RecordedAnswers:
    """`RS2SAM2.answer` for a model on a GPU that is made ready: the same arguments, the same results.

    SAM2's own prompts go to the model as they are. Not for several threads: a recording has one place for its inputs.
    """

    def __init__(self, model: RS2SAM2) -> None:
        self.model = model
        self._recordings: OrderedDict[tuple[object, ...], _Recording] = OrderedDict()
        self._seen: Counter[tuple[object, ...]] = Counter()
        self._memory: Any = None  # what all recordings compute in; they run one after the other

    def __call__(
        self,
        parts: ImageParts,
        token_ids: Tensor,
        text_padding: Tensor | None = None,
        image_index: Tensor | None = None,
        prompts: SAMPrompts | None = None,
    ) -> RS2SAM2Output:
        """See `RS2SAM2.answer`."""
        length, most = token_ids.shape[1], self.model.config.beit3.max_tokens
        if not 2 <= length <= most:  # the model refuses them; padding would make them fit
            return self.model.answer(parts, token_ids, text_padding, image_index, prompts)
        if text_padding is None:
            text_padding = torch.zeros_like(token_ids, dtype=torch.bool)
        wanted = TOKENS * 2 ** max(0, (length - 1) // TOKENS).bit_length()
        more = min(wanted, most) - length
        token_ids, text_padding = F.pad(token_ids, (0, more), value=PAD_ID), F.pad(text_padding, (0, more), value=True)
        inputs = [*parts.features, parts.patches, token_ids, text_padding]
        inputs += [] if image_index is None else [image_index]
        shape = tuple((tuple(x.shape), x.stride()) for x in inputs)
        self._seen[shape] += 1
        if prompts is not None or not token_ids.is_cuda or self._seen[shape] < SEEN:
            return self.model.answer(parts, token_ids, text_padding, image_index, prompts)
        recording = self._recordings.pop(shape, None)
        if recording is None:
            if self._memory is None:
                self._memory = torch.cuda.graph_pool_handle()
            while len(self._recordings) >= KEPT:
                self._recordings.popitem(last=False)
            recording = _Recording(self.model, len(parts.features), inputs, self._memory)
        self._recordings[shape] = recording
        return recording.replay(inputs)


class _Recording:
    """`RS2SAM2.answer` for inputs of one shape: maps of the trunk, patches, token ids, padding and perhaps the images' numbers."""

    def __init__(self, model: RS2SAM2, maps: int, inputs: list[Tensor], memory: Any) -> None:
        self.inputs = [x.clone(memory_format=torch.preserve_format) for x in inputs]
        features, (patches, token_ids, padding, *index) = self.inputs[:maps], self.inputs[maps:]

        def run() -> RS2SAM2Output:
            return model.answer(ImageParts(features, patches), token_ids, padding, index[0] if index else None)

        stream = torch.cuda.Stream(patches.device)
        stream.wait_stream(torch.cuda.current_stream(patches.device))
        with torch.cuda.stream(stream):
            run()  # libraries take their workspaces
        torch.cuda.current_stream(patches.device).wait_stream(stream)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph, pool=memory, stream=stream):
            self.output = run()

    def replay(self, inputs: list[Tensor]) -> RS2SAM2Output:
        """Results of their own: the next replay writes over those of the recording."""
        for mine, given in zip(self.inputs, inputs, strict=True):
            mine.copy_(given)
        self.graph.replay()
        return _copied(self.output)


def _copied(value: T) -> T:
    """Tensors, and dataclasses of them, copied."""
    if isinstance(value, Tensor):
        return value.clone()  # type: ignore[return-value]
    if is_dataclass(value) and not isinstance(value, type):
        return type(value)(**{f.name: _copied(getattr(value, f.name)) for f in fields(value)})
    return value
