import io

import pytest
from fake_sets import picture
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance

from rs2sam2.data.likeness import alike, fingerprint, groups


def jpeg(image, quality):
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 500))
def test_another_size_quality_or_brightness_is_the_same_picture(seed):
    image = picture(seed, 300, 400)
    mark = fingerprint(image)
    for other in (
        image.resize((200, 150)),
        jpeg(image, 40),
        image.convert("L"),
        ImageEnhance.Brightness(image).enhance(0.98),
    ):
        assert alike(mark, fingerprint(other))
        assert alike(fingerprint(other), mark)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 500), st.integers(501, 1000))
def test_other_pictures_are_not(one, other):
    assert not alike(fingerprint(picture(one)), fingerprint(picture(other)))


def test_groups_are_found_among_many():
    images = [picture(n, 96, 96) for n in range(60)]
    images[17] = images[3].resize((48, 48))
    images[40] = jpeg(images[3], 60)
    images[50] = images[8].copy()
    assert groups([fingerprint(i) for i in images]) == [[3, 17, 40], [8, 50]]


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_plain_water_is_compared_exactly(grey):
    one, other = Image.new("L", (64, 64), grey), Image.new("L", (64, 64), abs(grey - 2))
    assert groups([fingerprint(one), fingerprint(other)]) == []
    assert groups([fingerprint(one), fingerprint(other), fingerprint(one.resize((80, 80)))]) == [[0, 2]]
