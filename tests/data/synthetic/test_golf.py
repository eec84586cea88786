import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rs2sam2.data.synthetic import render
from rs2sam2.data.synthetic.fairways import TURFS, Course, blob, ribbon
from rs2sam2.data.synthetic.render import SyntheticScene


def drawn(seed: int, gsd: float = 2.0) -> SyntheticScene:
    return render("golf-course", (176, 160), gsd=gsd, seed=seed)


@pytest.mark.parametrize("gsd", [0.5, 1.5, 4.0])
def test_a_scene_has_one_course(gsd: float) -> None:
    seen = []
    for seed in range(4):
        scene = drawn(seed, gsd)
        assert scene.image.std() > 5
        found = [i for i in scene.instances if i.category == "golf field"]
        assert len(found) <= 1
        seen += [i.area / scene.image[..., 0].size for i in found]
    assert len(seen) >= 3
    assert max(seen) > 0.1


def test_the_same_seed_gives_the_same_picture() -> None:
    a, b = (drawn(3) for _ in range(2))
    np.testing.assert_array_equal(a.image, b.image)
    assert [i.box for i in a.instances] == [i.box for i in b.instances]


def test_trees_on_a_course_belong_to_it() -> None:
    shared = 0
    for seed in range(4):
        scene = drawn(seed, 1.0)
        course = [i.mask for i in scene.instances if i.category == "golf field"]
        trees = [i.mask for i in scene.instances if i.category == "tree"]
        shared += sum(int((course[0] & t).sum()) for t in trees) if course else 0
    assert shared > 100


@settings(max_examples=30, deadline=None)
@given(st.floats(3, 200), st.floats(0, 0.25), st.floats(1, 1.8), st.integers(0, 10**6))
def test_a_blob_lies_around_its_middle(radius: float, uneven: float, stretch: float, seed: int) -> None:
    outline = blob(np.random.default_rng(seed), 10.0, -5.0, radius, uneven, stretch)
    away = np.hypot(*(outline - (10.0, -5.0)).T)
    assert away.min() >= 0.35 * radius / stretch - 1e-6
    assert away.max() <= 1.7 * radius * stretch + 1e-6


@settings(max_examples=30, deadline=None)
@given(st.floats(-3, 3), st.floats(0, 40), st.floats(-2, 2), st.floats(5, 300))
def test_a_course_hardly_changes_distances(heading: float, bend: float, turn: float, far: float) -> None:
    course = Course(100.0, 50.0, heading, bend, 900.0, 1.0, TURFS["lush"][0], turn)
    a, b = course.at([(20.0, 10.0), (20.0 + far, 10.0)])
    assert math.dist(a, b) == pytest.approx(far, rel=0.45)


def test_a_ribbon_is_as_wide_as_it_should_be() -> None:
    line = np.stack([np.linspace(0, 100, 11), np.zeros(11)], 1)
    half = np.linspace(4, 9, 11)
    outline = ribbon(line, half)
    np.testing.assert_allclose(outline[:11, 1], half)
    np.testing.assert_allclose(outline[11:, 1], -half[::-1])
