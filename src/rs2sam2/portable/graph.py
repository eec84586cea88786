"""What an exported model is: its files, what goes in and what comes out, and how ONNX Runtime opens it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from rs2sam2.config import RS2SAM2Config
from rs2sam2.errors import UsageError, WeightsError

Format = Literal["onnx", "torch-export"]
FILES: dict[Format, str] = {"onnx": "model.onnx", "torch-export": "model.pt2"}
OUTPUTS = ("mask_logits", "iou_score", "object_score")


def input_names(config: RS2SAM2Config) -> tuple[str, ...]:
    """Of the graph, in order."""
    views = ("image",) if config.beit3.patches == "trunk" else ("image", "image_beit3")
    return (*views, "token_ids", "text_padding")


def need_onnx() -> None:
    """Raise UsageError where ONNX is not installed."""
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise UsageError(f"{error.name} is not installed: pip install 'rs2sam2[onnx]'") from None


def open_session(path: Path) -> Any:
    """A session on the CPU. Raises WeightsError where the file cannot be run."""
    need_onnx()
    import onnxruntime

    try:
        return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors have no common base
        raise WeightsError(f"{path} cannot be run by ONNX Runtime ({str(error).splitlines()[0][:120]})") from None
