"""RS2-SAM2 as a graph: normalised views, token ids and padding in, mask logits and scores out.

The folder that is written also holds config.json and the vocabulary, so that `Predictor.load(folder,
backend="onnxruntime")` and others know how to make the inputs. The phrase's length is free, the batch is one.
"""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor, nn

from rs2sam2.checkpoint.folder import CONFIG_FILE, VOCABULARY_FILE
from rs2sam2.config import RS2SAM2Config
from rs2sam2.errors import RS2SAM2Error
from rs2sam2.files import write_text
from rs2sam2.model.rs2sam2 import RS2SAM2
from rs2sam2.portable.graph import FILES, OUTPUTS, Format, input_names, need_onnx, open_session

TOLERANCE = 1e-3
"""Of the verification, in standard deviations of the mask logits: rounding alone stays far below."""


class Graph(nn.Module):
    """The model with plain tensors for inputs and outputs."""

    def __init__(self, model: RS2SAM2) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, image: Tensor, image_beit3: Tensor | None, token_ids: Tensor, text_padding: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """image (1, 3, S, S), image_beit3 (1, 3, s, s) or None, token_ids and text_padding (1, L): see `OUTPUTS`."""
        output = self.model(image, image_beit3, token_ids, text_padding)
        return output.mask_logits, output.iou_score, output.object_score


def export(model: RS2SAM2, vocabulary: Path | None, folder: Path, format: Format) -> float:
    """Run what is written beside the model, put it into `folder`, and give the largest difference of the mask logits.

    Nothing is there before it has answered as the model does. Raises UsageError where ONNX is asked for and not installed,
    RS2SAM2Error where the graph answers something else.
    """
    if format == "onnx":
        need_onnx()
    config = model.config
    graph = Graph(model).eval()
    tokens = torch.export.Dim("tokens", min=2, max=config.beit3.max_tokens)
    free = {"token_ids": {1: tokens}, "text_padding": {1: tokens}}
    shapes = {name: free.get(name) for name in ("image", "image_beit3", "token_ids", "text_padding")}
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".export-", dir=folder if folder.exists() else folder.parent) as temporary:
        made = Path(temporary)
        path = made / FILES[format]
        with _quiet(), torch.no_grad():
            program = torch.export.export(graph, example(config, 5), dynamic_shapes=shapes)
            if format == "onnx":
                torch.onnx.export(
                    program, (), path, input_names=list(input_names(config)), output_names=list(OUTPUTS),
                    external_data=True, verbose=False,
                )  # fmt: skip
            else:
                torch.export.save(program, path)
        difference = verify(graph, path, format)
        if vocabulary is not None:
            (made / VOCABULARY_FILE).write_bytes(vocabulary.read_bytes())
        write_text(made / CONFIG_FILE, config.to_json())
        folder.mkdir(exist_ok=True)
        for written in sorted(made.iterdir(), reverse=True):  # the configuration last, the graph after its data
            written.replace(folder / written.name)
    return difference


def verify(graph: Graph, path: Path, format: Format) -> float:
    """The largest difference between the file's answers and the model's, for other phrases than the file was made with."""
    worst = 0.0
    run = _torch_runner(path) if format == "torch-export" else _onnx_runner(path, graph.model.config)
    for length, padded in ((3, 0), (9, 4)):
        inputs = example(graph.model.config, length, padded, seed=length)
        with torch.inference_mode():
            wanted, got = graph(*inputs)[0], run(inputs)
        difference = float((wanted - got).abs().max())
        if not difference <= TOLERANCE * max(1.0, float(wanted.std())):
            raise RS2SAM2Error(
                f"{path} answers differently from the model, by {difference:g} at {length} tokens; this is a bug"
            )
        worst = max(worst, difference)
    return worst


def example(config: RS2SAM2Config, length: int, padded: int = 0, seed: int = 0) -> tuple[Tensor | None, ...]:
    """Inputs of the right shapes; the last `padded` tokens are padding."""
    generator = torch.Generator().manual_seed(seed)
    side = config.beit3.image_size
    image = torch.randn(1, 3, config.image_size, config.image_size, generator=generator)
    beit3 = None if config.beit3.patches == "trunk" else torch.randn(1, 3, side, side, generator=generator)
    ids = torch.randint(4, config.beit3.vocabulary, (1, length), generator=generator)
    return image, beit3, ids, torch.arange(length)[None] >= length - padded


def _torch_runner(path: Path) -> Any:
    module = torch.export.load(path).module()
    return lambda inputs: module(*inputs)[0]


def _onnx_runner(path: Path, config: RS2SAM2Config) -> Any:
    session = open_session(path)
    names = input_names(config)

    def run(inputs: tuple[Tensor | None, ...]) -> Tensor:
        given = [x.numpy() for x in inputs if x is not None]
        return torch.from_numpy(session.run(list(OUTPUTS), dict(zip(names, given, strict=True)))[0])

    return run


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The exporters narrate on stdout, and warn and log of their own insides (that torchvision is not installed ...)."""
    levels = {logger: logger.level for logger in map(logging.getLogger, ("torch.onnx", "onnxscript"))}
    for logger in levels:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in levels.items():
            logger.setLevel(level)
