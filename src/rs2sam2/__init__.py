"""Referring remote-sensing image segmentation: a phrase and an overhead image in, a mask out.

    from rs2sam2 import Predictor
    result = Predictor.load().predict("airfield.png", ["the large airplane on the left"])[0]
    result.mask                                    # bool (H, W) at the image's own size

Importing is cheap; torch is loaded when a name that needs it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from rs2sam2.config import RS2SAM2Config
    from rs2sam2.geo.options import SceneOptions
    from rs2sam2.geo.result import SceneResult
    from rs2sam2.geo.scene import Scene
    from rs2sam2.geo.segment import iter_tiles, predict_tiles, segment_scene
    from rs2sam2.model.rs2sam2 import RS2SAM2, RS2SAM2Output, SAMPrompts
    from rs2sam2.predictor import Prediction, Predictor
    from rs2sam2.presets import ablation, preset
    from rs2sam2.segmenter import Correction
    from rs2sam2.tokenizer import Tokenizer

_NAMES = {
    "RS2SAM2Config": "rs2sam2.config",
    "preset": "rs2sam2.presets",
    "ablation": "rs2sam2.presets",
    "RS2SAM2": "rs2sam2.model.rs2sam2",
    "RS2SAM2Output": "rs2sam2.model.rs2sam2",
    "SAMPrompts": "rs2sam2.model.rs2sam2",
    "Predictor": "rs2sam2.predictor",
    "Prediction": "rs2sam2.predictor",
    "Correction": "rs2sam2.segmenter",
    "Tokenizer": "rs2sam2.tokenizer",
    "Scene": "rs2sam2.geo.scene",
    "SceneOptions": "rs2sam2.geo.options",
    "SceneResult": "rs2sam2.geo.result",
    "segment_scene": "rs2sam2.geo.segment",
    "iter_tiles": "rs2sam2.geo.segment",
    "predict_tiles": "rs2sam2.geo.segment",
}

__all__ = [
    "RS2SAM2",
    "Correction",
    "Prediction",
    "Predictor",
    "RS2SAM2Config",
    "RS2SAM2Output",
    "SAMPrompts",
    "Scene",
    "SceneOptions",
    "SceneResult",
    "Tokenizer",
    "__version__",
    "ablation",
    "iter_tiles",
    "predict_tiles",
    "preset",
    "segment_scene",
]


def __getattr__(name: str) -> object:
    if name in _NAMES:
        return getattr(import_module(_NAMES[name]), name)
    raise AttributeError(f"module 'rs2sam2' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
