"""The page, its plots and its pictures: whole, self-contained, and true to the numbers."""

from __future__ import annotations

import base64
import io
import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rs2sam2 import Predictor
from rs2sam2.drawing import FOUND, TRUTH
from rs2sam2.errors import DataError, UsageError
from rs2sam2.evaluate import gallery, plots
from rs2sam2.evaluate.assess import EvaluateConfig, evaluate_model
from rs2sam2.evaluate.compare import compare
from rs2sam2.evaluate.output import open_output, plain, write_results
from rs2sam2.evaluate.records import Record, read_records
from rs2sam2.evaluate.text import comparison_text, metrics_text
from toy_set import Colours, Explaining, write_set

VOID = {"meta", "img", "br", "rect", "line", "path", "circle", "polyline"}


class Balanced(HTMLParser):
    """Every tag closed, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


def evaluated(folder: Path, segmenter: Colours, **options: object):
    data = write_set(folder)
    samples = data.read("val")
    config = EvaluateConfig(resamples=20, **options)
    records, metrics = evaluate_model(Predictor(segmenter), data, samples, config)
    metrics["about"] = {
        "method": "<toy> & co",
        "weights": None,
        "data": "set",
        "split": "val",
        "limit": None,
        "rs2sam2": "0",
    }
    return samples, records, metrics


def test_the_page_holds_everything_and_needs_nothing(tmp_path: Path) -> None:
    samples, records, metrics = evaluated(tmp_path / "set", Explaining(), control=True, robustness=9)
    paths = write_results(tmp_path / "out", records, samples, metrics)
    assert [p.name for p in paths] == ["metrics.json", "samples.jsonl", "report.html"]
    page = paths[2].read_text()
    reader = Balanced()
    reader.feed(page)
    assert not reader.open
    addresses = re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?([^"')>]*)""", page)
    assert addresses and all(a.startswith("data:image/jpeg;base64,") for a in addresses)
    assert "<script" not in page and "&lt;toy&gt; &amp; co" in page and "<toy>" not in page
    for title in ("Scores", "Is it here?", "Does it look?", "One word apart", "Under changes", "Where quality is lost"):
        assert title in page
    for svg in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        ET.fromstring(svg)  # well-formed
    pictures = re.findall(r"base64,([^\"]+)", page)
    assert len(pictures) == 6 * 3  # best, median, worst; no false alarm
    with Image.open(io.BytesIO(base64.b64decode(pictures[0]))) as image:
        assert image.format == "JPEG" and image.size == (288, 216)


def test_a_picture_shows_truth_and_mask(tmp_path: Path) -> None:
    samples, records, _ = evaluated(tmp_path, Colours(blind=True))
    uri = gallery.draw(samples[0], records[0])  # finds both ships, one is right
    with Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1]))) as image:
        pixels = np.asarray(image).astype(int)
    tinted = pixels[54:108, 216:270].mean((0, 1))  # the wrong one: red, half covered with orange, no outline
    assert np.abs(tinted - (np.array([230, 20, 20]) + FOUND) / 2).max() < 12
    ring = pixels[52, 25:65]
    assert np.abs(ring - TRUTH).mean() < 40  # JPEG blurs a line of two pixels
    (tmp_path / "0.png").unlink()
    assert gallery.draw(samples[0], records[0]).startswith("data:image/jpeg")


def test_the_gallery_takes_different_images_first(tmp_path: Path) -> None:
    _, records, _ = evaluated(tmp_path, Colours(blind=True))
    chosen = gallery.choose(records, "native", 0.5)
    assert [records[i].image[-5:] for i in chosen["best"][:3]] != [records[chosen["best"][0]].image[-5:]] * 3
    assert len({records[i].image for i in chosen["worst"][:3]}) == 3
    assert chosen["worst"][0] == 0 and chosen["false alarms"] == [8]
    assert not gallery.choose(records, "native", 0.95)["false alarms"]  # its score is 0.9: refused


def test_records_survive_their_file(tmp_path: Path) -> None:
    samples, records, metrics = evaluated(tmp_path / "set", Explaining(), control=True)
    write_results(tmp_path / "out", records, samples, metrics, masks=True)
    read = read_records(tmp_path / "out")
    assert [r.to_dict(masks=True) for r in read] == [r.to_dict(masks=True) for r in records]
    assert read[0].answer == records[0].answer and read == read_records(tmp_path / "out" / "samples.jsonl")
    assert json.loads((tmp_path / "out" / "metrics.json").read_text()) == json.loads(json.dumps(plain(metrics)))
    with pytest.raises(DataError, match="give a folder that"):
        read_records(tmp_path)
    (tmp_path / "samples.jsonl").write_text('{"id": 1}\n')
    with pytest.raises(DataError, match="line 1 is not what rs2sam2 evaluate writes"):
        read_records(tmp_path)
    (tmp_path / "samples.jsonl").write_bytes(b'{"id": "caf\xe9"}\n')
    with pytest.raises(DataError, match=r"samples\.jsonl is not UTF-8"):
        read_records(tmp_path)


def test_text_shows_the_numbers(tmp_path: Path) -> None:
    _, _, metrics = evaluated(tmp_path, Explaining(), control=True, robustness=9)
    text = metrics_text(plain(metrics))
    value = metrics["scores"]["released"]["mIoU"]["value"]
    line = next(line for line in text.splitlines() if line.startswith("1024 square"))
    assert f"{100 * value:.2f}" in line.split()
    for word in ("N-acc", "wrong image", "one word apart", "turned 90", "best threshold", "phrase kind"):
        assert word in text


def test_compare_finds_what_changed(tmp_path: Path) -> None:
    _, good, _ = evaluated(tmp_path / "a", Colours())
    _, bad, _ = evaluated(tmp_path / "a2", Colours(blind=True))
    result = compare(good, bad, resamples=100)
    assert result["protocol"] == "native" and result["samples"] == 6 and result["better"] == 0 and result["worse"] == 2
    assert [c["id"] for c in result["worst"]] == ["s0", "s1"] and not result["best"]
    cell = result["scores"]["mIoU"]
    each = [b.answer.iou("native") - a.answer.iou("native") for a, b in zip(good, bad, strict=True) if a.has_target]
    assert cell["difference"] == pytest.approx(np.mean(each)) and np.isnan(cell["low"])
    spread = [replace(r, image=f"{n}.png") for n, r in enumerate(good)]  # as if each phrase had its own image
    wide = compare(spread, bad, resamples=100)["scores"]["mIoU"]
    assert wide["low"] < wide["difference"] < wide["high"] <= 0
    place = next(g for g in result["groups"]["phrase kind"] if g["name"] == "position")
    assert place["samples"] == 2 and place["mIoU"]["difference"] < -0.4
    text = comparison_text(result)
    assert "2 worse" in text and "the ship on the left" in text and "most improved" not in text
    same = compare(good, good, resamples=10)["scores"]["oIoU"]
    assert same["difference"] == 0


def test_compare_keeps_samples_of_one_id_and_phrase_apart(tmp_path: Path) -> None:
    _, good, _ = evaluated(tmp_path, Colours())
    worse = replace(good[0], answer=replace(good[0].answer, overlaps={"native": (1, 10)}))
    twice = [good[0], worse, good[1]]
    same = compare(twice, twice, resamples=10)
    assert (same["samples"], same["only_in_a"], same["only_in_b"]) == (3, 0, 0)
    assert (same["better"], same["worse"], same["scores"]["mIoU"]["difference"]) == (0, 0, 0)
    fewer = compare(twice, [good[0], good[1]], resamples=10)
    assert (fewer["samples"], fewer["only_in_a"], fewer["worse"]) == (2, 1, 0)


def test_compare_wants_common_samples_and_protocols(tmp_path: Path) -> None:
    _, a, _ = evaluated(tmp_path / "a", Colours(), protocol="native")
    _, b, _ = evaluated(tmp_path / "b", Colours(), protocol="480")
    with pytest.raises(UsageError, match="not both scored under one protocol"):
        compare(a, b)
    with pytest.raises(UsageError, match="no sample in common"):
        compare(a[:3], a[4:])
    with pytest.raises(UsageError, match="all without a target"):
        compare(a[3:4], a[3:4])
    for resamples in (0, -5):
        with pytest.raises(UsageError, match=f"resamples {resamples} must be a positive number"):
            compare(a, a, resamples=resamples)
    assert compare(a[:5], a[1:], resamples=5)["only_in_a"] == 1


def test_plots_are_drawn_where_the_numbers_are() -> None:
    svg = ET.fromstring(
        plots.bars([plots.Bar("a < b", 0.5, 0.25, 0.75), plots.Bar("none", float("nan"), 0, 0)], label="x")
    )
    boxes = [e for e in svg if e.tag.endswith("rect")]
    assert len(boxes) == 1 and float(boxes[0].get("width", 0)) == pytest.approx((580 - 150 - 110) / 2)
    svg = ET.fromstring(plots.histogram([0.0, 0.01, 0.5, 1.0], label="x", bins=4))
    assert [e[0].text for e in svg if e.tag.endswith("rect")] == ["2", "0", "1", "1"]
    svg = ET.fromstring(
        plots.curves({"a": [(0, 0), (1, 1)], "b": [(0.5, 0.5)]}, x_label="x", y_label="y", dots=True, mark=0.5)
    )
    assert sum(e.tag.endswith("polyline") for e in svg) == 2 and sum(e.tag.endswith("circle") for e in svg) == 3


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="choose another folder with -o"):
        open_output(tmp_path / "file" / "out")


def test_truth_share_of_a_record(tmp_path: Path) -> None:
    _, records, _ = evaluated(tmp_path, Colours())
    first: Record = records[0]
    assert first.truth_share == pytest.approx(225 / 4800) and first.key == ("val", "s0", "the ship on the left")
