import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image

from rs2sam2.data import masks
from rs2sam2.data.masks import RLE, MaskFile, Polygons, from_coco
from rs2sam2.errors import DataError

any_mask = arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=40))


@given(any_mask)
def test_codes_are_cocos(mask):
    coco = pytest.importorskip("pycocotools.mask")
    ours = RLE.encode(mask)
    assert ours.counts == coco.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"].decode()
    assert (ours.decode(strict=True) == mask).all()


def test_a_large_mask_survives():
    mask = np.zeros((3000, 2000), bool)
    mask[5:2900, 7:1990] = True
    mask[::7] = False
    assert (RLE.encode(mask).decode() == mask).all()


@given(any_mask)
def test_runs_as_numbers_and_bytes_mean_the_same(mask):
    code = RLE.encode(mask)
    runs = masks._runs(code.counts).tolist()
    assert RLE.from_coco({"size": list(mask.shape), "counts": runs}) == code
    assert RLE.from_coco({"size": mask.shape, "counts": code.counts.encode()}) == code


@given(st.text(max_size=30), st.integers(1, 50), st.integers(1, 50))
def test_any_text_decodes_or_is_refused(text, height, width):
    try:
        assert RLE((height, width), text).decode().shape == (height, width)
    except DataError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize(
    "code",
    [
        {"size": [10**6, 10**6], "counts": "0"},  # a terabyte of mask
        {"size": [0, 5], "counts": ""},
        {"size": [4, -4], "counts": ""},
        {"size": [4], "counts": ""},
        {"size": [4.0, 4.0], "counts": ""},
        {"counts": ""},
        {"size": [4, 4], "counts": [-1, 17]},
        {"size": [4, 4], "counts": [2**40]},
        {"size": [4, 4], "counts": None},
    ],
)
def test_hostile_codes_take_no_memory(code):
    with pytest.raises(DataError):
        RLE.from_coco(code).decode()


def test_runs_may_end_early_but_not_late():
    short = RLE.from_coco({"size": [4, 4], "counts": [1, 2]})
    assert short.decode().sum() == 2
    with pytest.raises(DataError, match="3 pixels for 4 x 4"):
        short.decode(strict=True)
    with pytest.raises(DataError, match="17 pixels for 4 x 4"):
        RLE.from_coco({"size": [4, 4], "counts": [1, 16]}).decode()


def test_what_is_damaged_is_seen_without_drawing_it():
    assert RLE((2, 3), RLE.encode(np.eye(2, 3, dtype=bool)).counts).check().tolist() == [0, 1, 2, 1, 2]
    assert RLE.from_coco({"size": [4, 4], "counts": [1, 2]}).check().sum() == 3  # the rest is background
    for broken in (RLE((4, 4), "zz"), RLE.from_coco({"size": [4, 4], "counts": [1, 16]}), Polygons(((1, 2, 3, 4),))):
        with pytest.raises(DataError):
            broken.check()


def test_polygons_are_added_up_as_coco_does():
    coco = pytest.importorskip("pycocotools.mask")
    rings = [[1.5, 1, 8, 2, 5, 9.2], [6, 6, 12, 6, 12, 12, 6, 12]]
    expected = RLE.from_coco(coco.merge(coco.frPyObjects(rings, 14, 16))).decode()
    (target,) = from_coco(rings)
    assert isinstance(target, Polygons)
    assert (target.decode((14, 16)) == expected).all()
    assert from_coco(rings[0]) == (Polygons((tuple(rings[0]),)),)  # one ring, not in a list


@pytest.mark.parametrize(
    "ring", [[1, 2, 3, 4], [1, 2, 3, 4, 5], [0, 0, 1e12, 0, 1, 1], [0, 0, float("nan"), 0, 1, 1], [10**400] * 6, []]
)
def test_rings_that_cannot_be_drawn_are_refused(ring):
    with pytest.raises(DataError, match="ring"):
        Polygons((tuple(ring),)).decode((8, 8))


def test_a_long_ring_takes_no_memory():
    zigzag = [c for n in range(50_000) for c in (0.0, 0.0, 1000.0, float(n % 5))]
    with pytest.raises(DataError, match="beyond"):
        Polygons((tuple(zigzag),)).decode((8, 8))


def test_mask_files(tmp_path):
    labels = np.array([[0, 3, 60], [3, 4, 50]], np.uint8)
    Image.fromarray(labels).save(tmp_path / "m.png")
    Image.fromarray(labels.astype(np.uint16) * 100).save(tmp_path / "m16.png")
    Image.fromarray(np.stack([labels] * 3, -1)).save(tmp_path / "rgb.png")
    palette = Image.fromarray(labels)
    palette.putpalette([0] * 768)
    palette.save(tmp_path / "p.png")
    for name in ("m.png", "p.png", "rgb.png"):
        assert (MaskFile(tmp_path / name, values=(3, 4)).decode() == np.isin(labels, (3, 4))).all()
        assert (MaskFile(tmp_path / name).decode() == (labels > 0)).all()
    assert (MaskFile(tmp_path / "m.png", above=50).decode() == (labels > 50)).all()
    assert (MaskFile(tmp_path / "m16.png", values=(300,)).decode() == (labels == 3)).all()
    Image.fromarray(labels == 3).save(tmp_path / "bits.png")
    for bits in (MaskFile(tmp_path / "bits.png", above=50), MaskFile(tmp_path / "bits.png", values=(1,))):
        assert (bits.decode() == (labels == 3)).all()
    palette = Image.fromarray((labels == 3).astype(np.uint8))
    palette.putpalette([0, 0, 0, 255, 255, 255])
    palette.save(tmp_path / "colours.png")  # as black and white, where brightness counts
    for colours in (MaskFile(tmp_path / "colours.png", above=50), MaskFile(tmp_path / "colours.png", values=(1,))):
        assert (colours.decode() == (labels == 3)).all()
    with pytest.raises(DataError, match=r"no mask file .*gone\.png"):
        MaskFile(tmp_path / "gone.png").decode()
    (tmp_path / "bad.png").write_bytes(b"\x89PNG nonsense")
    with pytest.raises(DataError, match="cannot be read"):
        MaskFile(tmp_path / "bad.png").decode()


@given(any_mask, st.sampled_from([1, 2, 3, 5]), st.sampled_from([1, 3, 5]))
def test_stretching_takes_the_pixel_under_the_centre(mask, larger, smaller):
    height, width = mask.shape
    blocks = mask.repeat(larger, 0).repeat(larger, 1)
    assert (masks.resize(mask, (larger * height, larger * width)) == blocks).all()
    fine = mask.repeat(smaller, 0).repeat(smaller, 1)
    centre = np.zeros((smaller, smaller), bool)
    centre[smaller // 2, smaller // 2] = True
    only_centres = fine & np.tile(centre, (height, width))
    assert (masks.resize(only_centres, (height, width)) == mask).all()


def test_the_box_of_a_mask():
    mask = np.zeros((6, 9), bool)
    assert masks.box_of(mask) is None
    mask[2, 3] = mask[4, 7] = True
    assert masks.box_of(mask) == (3, 2, 8, 5)


def test_union_of_none_is_nothing():
    assert masks.union([], (3, 5)).shape == (3, 5)
    assert not masks.union([], (3, 5)).any()


@given(st.lists(arrays(np.bool_, (6, 4)), min_size=1, max_size=4))
def test_union_adds_up(layers):
    assert (masks.union(layers, (6, 4)) == np.any(layers, axis=0)).all()
    assert (masks.union(layers, (12, 8)) == np.any(layers, axis=0).repeat(2, 0).repeat(2, 1)).all()


def test_segmentations_of_no_known_kind_are_refused():
    assert from_coco(None) == from_coco([]) == ()
    for nonsense in ("text", 5, [["a", "b"]], [[1, True, 2, 3, 4, 5]], [{"size": [2, 2]}]):
        with pytest.raises(DataError):
            from_coco(nonsense)
