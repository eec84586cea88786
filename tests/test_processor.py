from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from rs2sam2.config import IMAGENET_MEAN, IMAGENET_STD, ProcessorConfig
from rs2sam2.errors import UsageError
from rs2sam2.presets import EVF_PROCESSOR, preset
from rs2sam2.processor import Processor, probability, read_image, view
from toys import TOY

RGB = np.random.default_rng(0).integers(0, 256, (12, 20, 3), np.uint8)


def test_path_pil_numpy_and_tensor_are_the_same_image(tmp_path: Path) -> None:
    Image.fromarray(RGB).save(tmp_path / "x.png")
    tensor = torch.from_numpy(RGB).permute(2, 0, 1)
    for image in (tmp_path / "x.png", str(tmp_path / "x.png"), Image.fromarray(RGB), RGB, tensor, tensor / 255):
        assert np.array_equal(np.asarray(read_image(image)), RGB)


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "1", "CMYK", "I;16", "I", "F"])
def test_every_mode_becomes_rgb_of_the_same_size(tmp_path: Path, mode: str) -> None:
    grey = np.arange(240, dtype=np.uint8).reshape(12, 20)
    image = {
        "I;16": lambda: Image.fromarray(grey.astype(np.uint16) * 40),
        "I": lambda: Image.fromarray(grey.astype(np.int32) * 40),
        "F": lambda: Image.fromarray(grey.astype(np.float32) / 7),
    }.get(mode, lambda: Image.fromarray(grey).convert("RGB").convert(mode))()
    suffix = "tif" if mode in ("F", "CMYK", "I") else "png"
    image.save(tmp_path / f"x.{suffix}")
    rgb = np.asarray(read_image(tmp_path / f"x.{suffix}"))
    assert rgb.shape == (12, 20, 3)
    assert rgb.max() > 200 and rgb.min() < 60  # neither black nor white, whatever the range was


def test_sixteen_bits_keep_their_order() -> None:
    ramp = np.linspace(300, 4000, 240).astype(np.uint16).reshape(12, 20)
    grey = np.asarray(read_image(ramp))[..., 0].ravel().astype(int)
    assert (np.diff(grey) >= 0).all() and grey[0] == 0 and grey[-1] == 255


@pytest.mark.parametrize("name", ["rgb.png", "rgba.png", "grey_alpha.png", "rgb.tif", "planes.tif"])
def test_sixteen_bits_of_colour_are_stretched_as_those_of_grey(tmp_path: Path, name: str) -> None:
    """Pillow keeps the high byte of such files, which is nearly black: satellites count to a few thousand."""
    bands = {"rgb": 3, "planes": 3, "rgba": 4, "grey_alpha": 2}[name.split(".")[0]]
    pixels = np.random.default_rng(0).integers(300, 3000, (bands, 12, 20)).astype(np.uint16)
    tiff = {"driver": "GTiff", "photometric": "RGB", "interleave": "band" if name == "planes.tif" else "pixel"}
    kind = tiff if name.endswith("tif") else {"driver": "PNG"}
    with (
        pytest.warns(rasterio.errors.NotGeoreferencedWarning),
        rasterio.open(tmp_path / name, "w", height=12, width=20, count=bands, dtype="uint16", **kind) as file,
    ):
        file.write(pixels)
    shown = np.asarray(read_image((pixels[:3] if bands > 2 else pixels[:1]).transpose(1, 2, 0)))
    assert np.array_equal(np.asarray(read_image(tmp_path / name)), shown)
    upload = BytesIO((tmp_path / name).read_bytes())
    with Image.open(tmp_path / name) as opened, Image.open(upload) as uploaded:
        for image in (opened, uploaded, opened, uploaded):
            assert np.array_equal(np.asarray(read_image(image)), shown)
        with Image.open(tmp_path / name) as fresh:  # Pillow, too, still reads it
            assert opened.tobytes() == fresh.tobytes()


def test_later_frames_of_sixteen_bits_are_refused(tmp_path: Path) -> None:
    """What reads all bits would give the first."""
    for more in (False, True):
        with (
            pytest.warns(rasterio.errors.NotGeoreferencedWarning),
            rasterio.open(
                tmp_path / "x.tif", "w", "GTiff", 4, 4, 3, dtype="uint16", photometric="RGB", append_subdataset=more
            ) as file,
        ):
            file.write(np.full((3, 4, 4), 700, np.uint16))
    with Image.open(tmp_path / "x.tif") as opened:
        opened.seek(1)
        with pytest.raises(UsageError, match="later frames: give an array"):
            read_image(opened)


def test_flat_and_unset_pixels() -> None:
    assert np.asarray(read_image(np.full((4, 4), 7, np.uint16))).shape == (4, 4, 3)
    with_nan = np.array([[np.nan, 0.0], [1.0, 2.0]], np.float32)
    assert np.asarray(read_image(with_nan))[0, 0, 0] == 0
    with pytest.raises(UsageError, match="no finite"):
        read_image(np.full((2, 2), np.nan, np.float32))


def test_one_pixel() -> None:
    trunk, beit3 = Processor(TOY).images([read_image(np.zeros((1, 1, 3), np.uint8))])
    assert trunk.shape == (1, 3, 64, 64) and beit3 is not None and beit3.shape == (1, 3, 32, 32)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((3, 4, 4, 3), np.uint8), "shape"),
        (np.zeros((4, 4, 7), np.uint8), "shape"),
        (np.zeros((0, 4, 3), np.uint8), "shape"),
        (np.zeros((4, 4), "U1"), "dtype"),
        (torch.zeros(4, 4), "shape"),
        (torch.full((3, 4, 4), 7.0), r"\[0, 1\]"),
        (17, "int"),
    ],
)
def test_what_is_no_image(image: object, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_image(image)  # type: ignore[arg-type]


def test_files_that_are_no_images(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no image at"):
        read_image(tmp_path / "nowhere.png")
    with pytest.raises(UsageError, match="folder"):
        read_image(tmp_path)
    (tmp_path / "text.png").write_text("hello")
    with pytest.raises(UsageError, match="not an image"):
        read_image(tmp_path / "text.png")
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (99, 99, 3), np.uint8)).save(tmp_path / "whole.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "whole.png").read_bytes()[:3000])
    with pytest.raises(UsageError, match="damaged"):
        read_image(tmp_path / "cut.png")


def test_pil_images_that_cannot_be_read() -> None:
    saved = BytesIO()
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (99, 99, 3), np.uint8)).save(saved, "JPEG")
    closed = Image.new("RGB", (4, 4))
    closed.close()
    with Image.open(BytesIO(saved.getvalue()[:3000])) as cut:
        for image, why in (
            (cut, "truncated"),
            (closed, "closed image"),
            (Image.new("RGB", (0, 5)), "0 x 5 pixels"),
            (Image.new("La", (4, 4)), "conversion"),
        ):
            with pytest.raises(UsageError, match=f"the PIL image cannot be read .*{why}"):
                read_image(image)


def test_a_decoder_that_gives_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As that of AVIF does of a damaged file, with a RuntimeError."""
    Image.fromarray(RGB).save(tmp_path / "x.png")
    monkeypatch.setattr(Image.Image, "convert", lambda *_: (_ for _ in ()).throw(RuntimeError()))
    with pytest.raises(UsageError, match=r"damaged image \(RuntimeError\)"):
        read_image(tmp_path / "x.png")


@pytest.mark.parametrize("most", [100, 200])  # Pillow refuses twice as many, and warns of fewer
def test_too_many_pixels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    Image.fromarray(RGB).save(tmp_path / "x.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", most)
    with pytest.raises(UsageError, match=f"more than {most} pixels"):
        read_image(tmp_path / "x.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    assert read_image(tmp_path / "x.png").size == (20, 12)


def test_threads_leave_the_hosts_warning_filters_as_they_are(tmp_path: Path) -> None:
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (400, 400, 3), np.uint8)).save(tmp_path / "x.png")
    before = list(warnings.filters)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(read_image, [tmp_path / "x.png"] * 60))
    assert list(warnings.filters) == before


def test_released_view_is_pillows_bilinear_normalised() -> None:
    image = Image.fromarray(RGB)
    expected = np.asarray(image.resize((8, 8), Image.Resampling.BILINEAR), np.float64) / 255
    expected = (expected - IMAGENET_MEAN) / IMAGENET_STD
    ours = view(image, 8, "pil-bilinear", IMAGENET_MEAN, IMAGENET_STD)
    assert np.abs(ours.permute(1, 2, 0).numpy() - expected).max() < 1e-5


def test_evf_view_has_no_antialiasing() -> None:
    image = Image.fromarray(np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8))
    plain = view(image, 8, "bilinear", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    at = (
        np.asarray(image, np.float32) / 255
    )  # an 8x reduction without antialiasing averages the 2x2 pixels at each centre
    centre = (at[3::8, 3::8] + at[4::8, 3::8] + at[3::8, 4::8] + at[4::8, 4::8]) / 4
    assert np.abs(plain.permute(1, 2, 0).numpy() - (centre - 0.5) / 0.5).max() < 1e-5


@given(st.floats(-20, 20))
def test_threshold_and_probability_agree(p: float) -> None:
    for config in (ProcessorConfig(), EVF_PROCESSOR):
        value = np.array([p], np.float32)
        if abs(p - config.threshold) > 1e-4:
            assert (probability(value, config)[0] > 0.5) == (value[0] > config.threshold)
    released = float(probability(np.array([p], np.float32), ProcessorConfig())[0])
    assert abs(released - 1 / (1 + np.exp(-(2 * p - 1)))) < 1e-6


def test_nano_has_one_view() -> None:
    trunk, beit3 = Processor(preset("nano")).images([Image.fromarray(RGB)])
    assert beit3 is None and trunk.shape[-1] == preset("nano").image_size
