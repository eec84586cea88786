"""What a model is made of, as frozen dataclasses that check themselves and travel as JSON beside the weights.

No torch here: reading or comparing a configuration is instant.

    RS2SAM2Config.from_json(config.to_json()) == config  # exact round trip; unknown keys are errors

Named configurations are in `rs2sam2.presets`.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from rs2sam2.errors import UsageError

CONFIG_VERSION = 1
DTypeName = Literal["auto", "float32", "mixed", "bfloat16"]
"""Of the numbers a model computes with. `mixed`: Hiera in bfloat16, and the feed-forward networks that BEiT-3 has for words;
the rest in float32."""
BackendName = Literal["torch", "onnxruntime"]
DEFAULT_MIN_SCORE = 0.5
"""Below it a presence means "not here", where weights do not say otherwise."""
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise UsageError(f"configuration: {message}")


def require_positive(part: Any, prefix: str, *names: str) -> None:
    """Raise UsageError where one of these fields of a part, or a number in one, is no whole number of at least 1."""
    for name in names:
        value = getattr(part, name)
        several = isinstance(value, tuple | list)
        numbers, few = (value, "whole numbers") if several else ((value,), "a whole number")
        _require(all(type(n) is int and n >= 1 for n in numbers), f"{prefix}{name} {value!r} must be {few} >= 1")


@dataclass(frozen=True, kw_only=True)
class HieraConfig:
    """SAM2's hierarchical image trunk. Sizes are those of the four stages at strides 4, 8, 16, 32."""

    kind: Literal["hiera"] = "hiera"
    width: int = 144  # channels of the first stage; doubles at every stage
    heads: int = 2  # of the first stage; doubles likewise
    depths: tuple[int, int, int, int] = (2, 6, 36, 4)  # blocks per stage
    windows: tuple[int, int, int, int] = (8, 4, 16, 8)  # attention window per stage, in tokens
    global_blocks: tuple[int, ...] = (23, 33, 43)  # blocks that attend to the whole image
    position_grid: int = 7  # side of the learned background position embedding

    def __post_init__(self) -> None:
        """Refuse shapes that cannot be built."""
        require_positive(self, "trunk.", "width", "heads", "depths", "windows", "position_grid")
        _require(len(self.depths) == 4, f"trunk.depths {self.depths} must be four numbers")
        _require(len(self.windows) == 4, f"trunk.windows {self.windows} must be four numbers")
        _require(
            all(w % 2 == 0 for w in self.windows[:3]),
            f"trunk.windows {self.windows}: the first three are pooled 2x2, so they must be even",
        )
        _require(self.width % self.heads == 0, f"trunk.width {self.width} is not divisible by trunk.heads {self.heads}")
        _require(
            all(type(b) is int and 0 <= b < sum(self.depths) for b in self.global_blocks),
            f"trunk.global_blocks {self.global_blocks} name a block beyond the {sum(self.depths)} there are",
        )
        starts = [sum(self.depths[:i]) for i in range(1, 4)]
        _require(
            not set(starts) & set(self.global_blocks),
            f"trunk.global_blocks {self.global_blocks} contain a block that changes the stage ({starts})",
        )

    @property
    def channels(self) -> tuple[int, int, int, int]:
        """Channels of the maps at strides 4, 8, 16, 32."""
        return (self.width, 2 * self.width, 4 * self.width, 8 * self.width)


@dataclass(frozen=True, kw_only=True)
class LiteConfig:
    """A small convolutional trunk for CPUs (EfficientNet-Lite0), conditioned on the text after each stage.

    Its convolutions do not see the phrase, so they run once for any number of phrases about one image.
    """

    kind: Literal["lite"] = "lite"
    stem: int = 32  # channels after the first convolution
    widths: tuple[int, ...] = (16, 24, 40, 80, 112, 192, 320)  # of the seven groups of blocks
    repeats: tuple[int, ...] = (1, 2, 2, 3, 3, 4, 1)
    adapter_width: int = 96  # of the text adapters on the maps

    def __post_init__(self) -> None:
        """Refuse shapes that cannot be built."""
        require_positive(self, "trunk.", "stem", "widths", "repeats", "adapter_width")
        _require(
            len(self.widths) == len(self.repeats) == 7, "trunk.widths and trunk.repeats must have seven numbers each"
        )
        _require(
            self.adapter_width % 4 == 0, f"trunk.adapter_width {self.adapter_width} must be divisible by its 4 heads"
        )

    @property
    def channels(self) -> tuple[int, int, int, int]:
        """Channels of the maps at strides 4, 8, 16, 32."""
        return (self.widths[1], self.widths[2], self.widths[4], self.widths[6])


TrunkConfig = HieraConfig | LiteConfig


@dataclass(frozen=True, kw_only=True)
class BEiT3Config:
    """The joint image-text encoder (multiway transformer)."""

    width: int = 1024
    depth: int = 24
    heads: int = 16
    ffn: int = 4096
    image_size: int = 224
    patch: int = 16
    vocabulary: int = 64010  # rows of the text embedding
    text_positions: int = 1024  # rows of the text position table; the first two are never used
    patches: Literal["image", "trunk"] = "image"
    """`image`: patches of its own view of the image. `trunk`: the trunk's stride-32 map, so the image is seen once."""

    def __post_init__(self) -> None:
        """Refuse shapes that cannot be built."""
        sizes = ("width", "depth", "heads", "ffn", "image_size", "patch", "vocabulary", "text_positions")
        require_positive(self, "beit3.", *sizes)
        _require(self.width % self.heads == 0, f"beit3.width {self.width} is not divisible by beit3.heads {self.heads}")
        _require(self.patches in ("image", "trunk"), f"beit3.patches {self.patches!r} must be 'image' or 'trunk'")
        _require(
            self.image_size % self.patch == 0,
            f"beit3.image_size {self.image_size} is not a multiple of beit3.patch {self.patch}",
        )
        _require(self.text_positions > 4, f"beit3.text_positions {self.text_positions} must be more than 4")

    @property
    def grid(self) -> int:
        """Patches along one side."""
        return self.image_size // self.patch

    @property
    def max_tokens(self) -> int:
        """Longest phrase in tokens, `<s>` and `</s>` included (position tables are used from row 2)."""
        return self.text_positions - 2


@dataclass(frozen=True, kw_only=True)
class DecoderConfig:
    """Neck, prompt encoder and SAM2's mask decoder."""

    width: int = 256
    heads: int = 8
    mlp: int = 2048
    mask_channels: int = 4  # of the dense prompt after its first convolution; four times that after the second
    masks: Literal["single", "best_of_three"] = "single"
    """`single`: mask token 0 (RS2-SAM2). `best_of_three`: tokens 1-3, the highest predicted IoU wins (EVF-SAM2)."""

    def __post_init__(self) -> None:
        """Refuse shapes that cannot be built."""
        require_positive(self, "decoder.", "width", "heads", "mlp", "mask_channels")
        _require(
            self.width % (2 * self.heads) == 0,
            f"decoder.width {self.width} must be divisible by twice decoder.heads {self.heads}",
        )
        _require(self.width % 8 == 0, f"decoder.width {self.width} must be divisible by 8")
        _require(
            self.masks in ("single", "best_of_three"),
            f"decoder.masks {self.masks!r} must be 'single' or 'best_of_three'",
        )


Resize = Literal["pil-bilinear", "bilinear", "bicubic"]


@dataclass(frozen=True, kw_only=True)
class ProcessorConfig:
    """How an image becomes the model's two views, and logits a mask.

    `pil-bilinear` is Pillow's antialiased filter on the 8-bit image; `bilinear` and `bicubic` are torch's on the
    float image, without antialiasing (what EVF-SAM2 was trained with).
    """

    image_resize: Resize = "pil-bilinear"
    image_mean: tuple[float, float, float] = IMAGENET_MEAN
    image_std: tuple[float, float, float] = IMAGENET_STD
    beit3_resize: Resize = "pil-bilinear"
    beit3_mean: tuple[float, float, float] = IMAGENET_MEAN
    beit3_std: tuple[float, float, float] = IMAGENET_STD
    decision: Literal["class-scores", "logit"] = "class-scores"
    """`class-scores`: classes [1 - p, p], so mask is p > 0.5 and foreground probability sigmoid(2p - 1). `logit`: p > 0."""

    def __post_init__(self) -> None:
        """Refuse unknown choices."""
        for name in ("image_resize", "beit3_resize"):
            _require(
                getattr(self, name) in get_args(Resize),
                f"processor.{name} {getattr(self, name)!r} must be one of {get_args(Resize)}",
            )
        _require(
            self.decision in ("class-scores", "logit"),
            f"processor.decision {self.decision!r} must be 'class-scores' or 'logit'",
        )
        _require(min(*self.image_std, *self.beit3_std) > 0, "processor: standard deviations must be positive")

    @property
    def threshold(self) -> float:
        """A pixel belongs to the mask where its logit is above this."""
        return 0.5 if self.decision == "class-scores" else 0.0

    @property
    def steepness(self) -> float:
        """Foreground probability = sigmoid(steepness * (logit - threshold))."""
        return 2.0 if self.decision == "class-scores" else 1.0


@dataclass(frozen=True, kw_only=True)
class RS2SAM2Config:
    """The whole model. The defaults are the released RS2-SAM2."""

    name: str = "large"
    image_size: int = 1024
    trunk: TrunkConfig = field(default_factory=HieraConfig)
    beit3: BEiT3Config = field(default_factory=BEiT3Config)
    decoder: DecoderConfig = field(default_factory=DecoderConfig)
    processor: ProcessorConfig = field(default_factory=ProcessorConfig)
    # The components that the paper ablates. What is off has no parameters.
    text_adapters: bool = True  # bidirectional fusion inside the trunk
    text_gate: bool = True  # the decoder's image features gated by the text
    mask_prompt: bool = True  # dense prompt from class token and patches
    text_weight: bool = True  # per-phrase weight of the boundary loss
    presence: bool = False  # the object score was trained to say whether the referent is there
    hide_unknown: bool = True  # unknown words are hidden from BEiT-3, as the released system does

    def __post_init__(self) -> None:
        """Refuse combinations that cannot be built."""
        require_positive(self, "", "image_size")
        _require(
            self.image_size >= 32 and self.image_size % 32 == 0,
            f"image_size {self.image_size} must be a multiple of 32",
        )
        if self.beit3.patches == "trunk":
            _require(
                isinstance(self.trunk, LiteConfig),
                "beit3.patches 'trunk' needs a trunk whose maps exist before the text (kind 'lite')",
            )
            _require(
                self.beit3.image_size == self.image_size and self.beit3.patch == 32,
                f"beit3.patches 'trunk' are the stride-32 map: set beit3.image_size to {self.image_size} and beit3.patch to 32",
            )

    @property
    def uses_text_features(self) -> bool:
        """Whether the words are projected to the decoder's width (for adapters, gate or boundary weight)."""
        return self.text_adapters or self.text_gate or self.text_weight

    def to_dict(self) -> dict[str, Any]:
        """Plain containers, ready for JSON."""
        return {"format": "rs2sam2", "version": CONFIG_VERSION, **dataclasses.asdict(self)}

    def to_json(self) -> str:
        """Readable JSON; `from_json` gives an equal configuration."""
        return json.dumps(self.to_dict(), indent=2) + "\n"

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> RS2SAM2Config:
        """Inverse of `to_dict`. Raises UsageError naming what is unknown, missing or of a wrong type."""
        _require(isinstance(data, dict), f"expected an object, got {type(data).__name__}")
        data = dict(data)
        _require(data.pop("format", None) == "rs2sam2", "not an rs2sam2 configuration ('format' is not 'rs2sam2')")
        version = data.pop("version", None)
        _require(
            version == CONFIG_VERSION,
            f"version {version!r} is not {CONFIG_VERSION}; upgrade rs2sam2 (pip install -U rs2sam2)",
        )
        trunk = data.get("trunk", {})
        kind = trunk.get("kind", "hiera") if isinstance(trunk, dict) else None
        _require(kind in ("hiera", "lite"), f"trunk.kind {kind!r} must be 'hiera' or 'lite'")
        parts = {
            "trunk": HieraConfig if kind == "hiera" else LiteConfig,
            "beit3": BEiT3Config,
            "decoder": DecoderConfig,
            "processor": ProcessorConfig,
        }
        for key, part in parts.items():
            if key in data:
                data[key] = build(part, data[key], f"{key}.")
        config: RS2SAM2Config = build(cls, data, "")
        return config

    @classmethod
    def from_json(cls, text: str) -> RS2SAM2Config:
        """Inverse of `to_json`."""
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise UsageError(f"configuration: not JSON ({error})") from None
        return cls.from_dict(data)


def build(part: Any, data: Any, prefix: str) -> Any:
    """Dataclass `part` from a dict, with every key known and every value of its default's type, or UsageError."""
    _require(isinstance(data, dict), f"{prefix.rstrip('.') or 'model'} must be an object, got {type(data).__name__}")
    fields = {f.name: f for f in dataclasses.fields(part)}
    unknown = sorted(str(k) for k in data if k not in fields)
    _require(not unknown, f"unknown {', '.join(prefix + k for k in unknown)}; known: {', '.join(fields)}")
    values = {}
    for key, value in data.items():
        f = fields[key]
        factory: Any = f.default_factory
        default = f.default if f.default is not dataclasses.MISSING else factory()
        if dataclasses.is_dataclass(value):
            pass  # a part that was built above
        elif isinstance(default, tuple):
            numbers = isinstance(value, list | tuple) and all(type(v) in (int, float) for v in value)
            _require(numbers, f"{prefix}{key} must be a list of numbers, got {value!r}")
            value = tuple(value)
        else:
            wanted = type(default)
            _require(type(value) is wanted, f"{prefix}{key} must be of type {wanted.__name__}, got {value!r}")
        values[key] = value
    return part(**values)
