from dataclasses import replace

import numpy as np
import pytest
import torch
from fake_sets import refs, rrsisd
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch.utils.data import DataLoader, DistributedSampler

from rs2sam2.data import ReferringDataset, open_dataset
from rs2sam2.data.dataset import resize_image
from rs2sam2.errors import DataError, UsageError


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    return open_dataset(rrsisd(tmp_path_factory.mktemp("set"), count=16)).read("train")


def noisy(example):
    """An augmentation: module level, so that workers of any start method find it."""
    return {"id": example.sample.id, "draw": float(example.rng.random()), "mask": torch.from_numpy(example.mask)}


def test_items_are_what_a_model_takes(samples):
    item = ReferringDataset(samples, size=(48, 40))[1]
    assert item["image"].shape == (3, 48, 40) and item["image"].dtype == torch.uint8
    assert item["mask"].shape == (48, 40) and item["mask"].dtype == torch.bool
    assert (item["phrase"], item["id"]) == (samples[1].phrase, samples[1].id)
    assert (item["mask"].numpy() == samples[1].load_mask((48, 40))).all()
    native = ReferringDataset(samples)[1]
    assert (native["image"].permute(1, 2, 0).numpy() == np.asarray(samples[1].load_image())).all()


def collect(loader):
    return {i: (d, m) for b in loader for i, d, m in zip(b["id"], b["draw"].tolist(), b["mask"], strict=True)}


# From Python 3.12 on, a fork of a process with threads warns; DataLoader's workers are such forks.
forks = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")


@forks
def test_items_do_not_depend_on_workers_or_ranks(samples):
    data = ReferringDataset(samples, size=32, transform=noisy, seed=5)
    data.set_epoch(3)
    alone = collect(DataLoader(data, batch_size=2))
    assert len(alone) == len(samples)
    spread = collect(DataLoader(data, batch_size=3, shuffle=True, num_workers=2))
    assert alone.keys() == spread.keys()
    assert all(alone[i][0] == spread[i][0] and (alone[i][1] == spread[i][1]).all() for i in alone)
    ranks = [
        collect(DataLoader(data, batch_size=2, sampler=DistributedSampler(data, 2, rank, shuffle=True, seed=9)))
        for rank in range(2)
    ]
    assert not ranks[0].keys() & ranks[1].keys()
    together = ranks[0] | ranks[1]
    assert {i: together[i][0] for i in alone} == {i: alone[i][0] for i in alone}


@forks
def test_workers_that_live_on_see_the_new_epoch(samples):
    data = ReferringDataset(samples, size=32, transform=noisy)
    loader = DataLoader(data, batch_size=4, num_workers=1, persistent_workers=True)
    draws = []
    for epoch in (0, 1, 0):
        data.set_epoch(epoch)
        draws.append({i: d for i, (d, _) in collect(loader).items()})
    assert draws[0] == draws[2]
    assert all(draws[0][i] != draws[1][i] for i in draws[0])


def test_the_cache_gives_the_same_pixels_and_notices_changes(samples, tmp_path):
    plain = ReferringDataset(samples, size=32)
    cached = ReferringDataset(samples, size=32, cache=tmp_path / "cache")
    for _ in range(2):
        assert all(torch.equal(plain[i]["image"], cached[i]["image"]) for i in range(len(plain)))
    files = list((tmp_path / "cache").rglob("*.npy"))
    assert len(files) == len(samples)
    files[0].write_bytes(files[0].read_bytes()[:50])  # a disk that was full
    assert all(torch.equal(plain[i]["image"], cached[i]["image"]) for i in range(len(plain)))
    Image.new("RGB", (64, 64), (9, 9, 9)).save(tmp_path / "other.png")
    moved = ReferringDataset([replace(samples[0], image=tmp_path / "other.png")], size=32, cache=tmp_path / "cache")
    assert (moved[0]["image"] == 9).all()
    Image.new("RGB", (64, 64), (200, 9, 9)).save(tmp_path / "other.png")
    assert (moved[0]["image"][0] == 200).all()


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 60), st.integers(1, 60), st.integers(0, 99))
def test_resizing_is_pillows_to_one_grey_level(height, width, new_height, new_width, seed):
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    ours = resize_image(image, (new_height, new_width)).astype(int)
    pillow = np.asarray(Image.fromarray(image).resize((new_width, new_height), Image.Resampling.BILINEAR)).astype(int)
    assert abs(ours - pillow).max() <= 1


def test_draft_is_close(samples):
    exact, fast = ReferringDataset(samples, size=16), ReferringDataset(samples, size=16, draft=True)
    difference = (exact[0]["image"].int() - fast[0]["image"].int()).abs().float()
    assert difference.mean() < 4


def test_bad_samples_and_arguments(samples, tmp_path):
    data = ReferringDataset([replace(samples[0], image=tmp_path / "gone.jpg")], size=8, cache=tmp_path)
    with pytest.raises(DataError, match="no image"):
        data[0]
    with pytest.raises(IndexError):
        ReferringDataset(samples)[len(samples)]
    for arguments in ({"samples": []}, {"samples": samples, "cache": tmp_path}, {"samples": samples, "draft": True}):
        with pytest.raises(UsageError):
            ReferringDataset(**arguments)


def test_no_target_and_several_targets(tmp_path):
    pytest.importorskip("pycocotools")
    data = ReferringDataset(open_dataset(refs(tmp_path)).read("train"), size=64)
    assert not data[4]["mask"].any()
    assert data[3]["mask"].any()
