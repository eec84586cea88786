import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rs2sam2.data.augmentation import (
    RELEASED,
    Augment,
    Augmentation,
    Augmented,
    augment,
    black_boxes,
    crop,
    degrade,
    jitter_colour,
    turn,
)
from rs2sam2.data.dataset import Example
from rs2sam2.data.language.evaluate import execute
from rs2sam2.data.language.layout import Layout, SceneObject
from rs2sam2.data.language.program import Position, Program, Selection
from rs2sam2.data.sample import Sample
from rs2sam2.errors import UsageError

PHRASES = (
    "the ship on the left",
    "the large airplane in the upper right",
    "the storage tank to the left of the bridge",
    "the tennis court at the bottom",
    "the leftmost vehicle",
    "a stadium",
    "the harbor below the ship in the lower left",
)
SYMMETRIES = ("hflip", "vflip", "rot180", "rot90", "rot270")


def item(seed: int, size: int = 24, phrase: str = "the ship on the left") -> Augmented:
    """An image whose red band is its mask, so that anything that moves one without the other shows."""
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 200, (size, size, 3), dtype=np.uint8)
    mask = rng.random((size, size)) < 0.3
    image[..., 0] = np.where(mask, 255, 0)
    return Augmented(image, mask, phrase)


def same(a: Augmented, b: Augmented) -> bool:
    return np.array_equal(a.image, b.image) and np.array_equal(a.mask, b.mask) and a.phrase == b.phrase


@given(st.integers(0, 99), st.sampled_from(PHRASES), st.sampled_from(("hflip", "vflip", "rot180")))
def test_twice_is_identity(seed: int, phrase: str, symmetry: str) -> None:
    first = item(seed, phrase=phrase)
    once = turn(first, symmetry)  # type: ignore[arg-type]
    assert once is not None
    twice = turn(once, symmetry)  # type: ignore[arg-type]
    assert twice is not None
    assert same(twice, first)


@given(st.integers(0, 99), st.sampled_from(PHRASES))
def test_four_quarter_turns_are_identity(seed: int, phrase: str) -> None:
    first = turned = item(seed, phrase=phrase)
    for _ in range(4):
        found = turn(turned, "rot90")
        assert found is not None
        turned = found
    assert same(turned, first)


@given(st.integers(0, 99), st.sampled_from(SYMMETRIES))
def test_mask_moves_with_the_image(seed: int, symmetry: str) -> None:
    moved = turn(item(seed), symmetry)  # type: ignore[arg-type]
    assert moved is not None
    np.testing.assert_array_equal(moved.image[..., 0] == 255, moved.mask)


def test_left_becomes_right() -> None:
    flipped = turn(item(0), "hflip")
    assert flipped is not None
    assert flipped.phrase == "the ship on the right"


@pytest.mark.parametrize("phrase", ["the ship heading north", "the car turning left", "the westbound cars"])
def test_a_phrase_that_cannot_be_rewritten_is_left_alone(phrase: str) -> None:
    north = item(0, phrase=phrase)
    assert turn(north, "hflip") is None
    config = Augmentation(flips=True, quarter_turns=True)
    for seed in range(20):
        assert same(augment(north, np.random.default_rng(seed), config, key="a"), north)


EVERYTHING = Augmentation(
    flips=True, quarter_turns=True, crop=0.5, boxes=0.5, colour=0.5, blur=0.5, low_pass=0.5, jpeg=0.5, noise=0.5,
    box_side=4,
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 20))
def test_the_generator_decides_everything(seed: int, key: int) -> None:
    first = item(1)
    before = first.image.copy()
    a, b = (augment(first, np.random.default_rng(seed), EVERYTHING, key=str(key)) for _ in range(2))
    assert same(a, b)
    assert a.image.dtype == np.uint8
    assert a.mask.dtype == bool
    assert a.image.shape == first.image.shape
    assert a.mask.sum() == first.mask.sum()  # nothing was cropped: there is no program
    np.testing.assert_array_equal(first.image, before)  # the input is not written to


def test_nothing_asked_for_nothing_done() -> None:
    first = item(3)
    assert same(augment(first, np.random.default_rng(0), Augmentation(), key="a"), first)


def test_images_that_are_not_square_keep_their_frame() -> None:
    wide = Augmented(np.zeros((8, 12, 3), np.uint8), np.zeros((8, 12), bool), "a ship")
    for seed in range(30):
        done = augment(wide, np.random.default_rng(seed), EVERYTHING, key="a")
        assert done.image.shape == (8, 12, 3)


def test_released_boxes_strike_a_fifth_of_the_samples_and_always_the_same_way() -> None:
    image = np.full((512, 512, 3), 200, np.uint8)
    struck = [key for key in map(str, range(400)) if black_boxes(image, key, RELEASED) is not image]
    assert 0.14 < len(struck) / 400 < 0.26
    first, again = (black_boxes(image, struck[0], RELEASED) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert (first == 0).any(2).sum() <= 60 * 32 * 32
    assert (first == 0).any(2).sum() >= 5 * 32 * 32  # twenty at least, which may overlap
    assert set(np.unique(first)) == {0, 200}
    small = black_boxes(np.full((16, 16, 3), 9, np.uint8), struck[0], RELEASED)
    assert small.max() == 0  # a box larger than the image covers it


def test_colour_words_keep_colours() -> None:
    config = Augmentation(colour=1.0)
    plain, named = item(0, phrase="the car"), item(0, phrase="the grey car")
    assert not np.array_equal(augment(plain, np.random.default_rng(0), config, key="a").image, plain.image)
    np.testing.assert_array_equal(augment(named, np.random.default_rng(0), config, key="a").image, named.image)


@pytest.mark.parametrize("what", ["blur", "low_pass", "jpeg", "noise"])
def test_each_degradation_changes_pixels_a_little(what: str) -> None:
    image = np.tile(np.linspace(40, 200, 64).astype(np.uint8)[:, None, None], (1, 64, 3))
    image[20:40, 20:40] = 230
    done = degrade(image, np.random.default_rng(0), replace(Augmentation(), **{what: 1.0}))
    assert done.shape == image.shape
    assert done.dtype == np.uint8
    change = np.abs(done.astype(int) - image).mean()
    assert 0 < change < 15


def test_jitter_keeps_black_black_and_never_wraps() -> None:
    image = np.zeros((8, 8, 3), np.uint8)
    image[4:] = 255
    for seed in range(20):
        done = jitter_colour(image, np.random.default_rng(seed), Augmentation(contrast=(1, 1)))
        assert done[:4].max() == 0
        assert done[4:].min() > 90


# -- crops -------------------------------------------------------------------------------------------------------------


def scene() -> tuple[Augmented, Program, Layout]:
    """Two ships, one far left, one far right, in 100 px; the phrase is about the left one."""
    boxes = ((5, 40, 25, 60), (75, 40, 95, 60))
    layout = Layout(100, 100, tuple(SceneObject("ship", box, 400.0) for box in boxes))
    mask = np.zeros((50, 50), bool)  # the image was made half as large as the layout's frame
    mask[20:30, 3:12] = True
    image = np.zeros((50, 50, 3), np.uint8)
    image[mask] = 255
    program = Program(Selection("ship", "one", (Position("left"),)))
    return Augmented(image, mask, "the ship on the left"), program, layout


def test_a_crop_keeps_image_and_mask_together() -> None:
    whole, program, layout = scene()
    found = crop(whole, (0, 10, 80, 90), program, layout)
    assert found is not None
    assert found.image.shape == whole.image.shape
    assert found.mask.sum() > whole.mask.sum()  # enlarged
    light = found.image[..., 0] > 127
    assert (light ^ found.mask).sum() < 0.15 * found.mask.sum()


def test_a_crop_that_makes_the_phrase_untrue_is_refused() -> None:
    whole, program, layout = scene()
    assert crop(whole, (0, 35, 30, 65), program, layout) is None  # the ship is in the middle now
    assert crop(whole, (60, 30, 100, 70), program, layout) is None  # it is gone, another one is there
    assert crop(whole, (18, 0, 100, 82), program, layout) is None  # most of it is cut off


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_random_crops_keep_the_phrase_true(seed: int) -> None:
    whole, program, layout = scene()
    assert execute(program, layout) == {0}
    done = augment(whole, np.random.default_rng(seed), Augmentation(crop=1.0), key="a", program=program, layout=layout)
    assert done.phrase == whole.phrase
    assert done.mask.any()
    columns = np.flatnonzero(done.mask.any(0))
    assert (columns[0] + columns[-1]) / 2 < 25  # it is still on the left


def test_as_a_transform_it_travels_to_workers() -> None:
    whole, program, layout = scene()
    path = Path("images/1.png")
    transform = pickle.loads(pickle.dumps(Augment(Augmentation(crop=1.0, flips=True), {path: layout}, then=_keep)))
    sample = Sample(
        id="1", phrase=whole.phrase, image=path, split="train", source="s", program=program.to_dict(), targets=()
    )
    results = []
    for seed in range(12):
        example = Example(whole.image, whole.mask, whole.phrase, sample, np.random.default_rng(seed))
        done = transform(example)
        assert done.sample is sample
        results.append((done.phrase, int(done.mask.sum())))
    assert {phrase for phrase, _ in results} == {"the ship on the left", "the ship on the right"}
    assert any(area != whole.mask.sum() for _, area in results)


def _keep(example: Example) -> Example:
    return example


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"crop": 1.5}, "crop = 1.5; give a probability"),
        ({"crop_side": (0.9, 0.5)}, "crop_side = .* between 0.05 and 1"),
        ({"jpeg_quality": (0, 95)}, "jpeg_quality"),
        ({"box_side": 0}, "box_side = 0"),
        ({"style": "poetry"}, "give english or rrsisd"),
    ],
)
def test_settings_out_of_range_are_refused(setting: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Augmentation(**setting)  # type: ignore[arg-type]
