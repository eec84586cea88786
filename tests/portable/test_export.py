from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from rs2sam2.cli import run
from rs2sam2.config import RS2SAM2Config
from rs2sam2.errors import RS2SAM2Error, UsageError, WeightsError
from rs2sam2.model.rs2sam2 import RS2SAM2
from rs2sam2.portable import export as exporting
from rs2sam2.portable.graph import input_names, open_session
from rs2sam2.predictor import Correction, Predictor
from toys import TOY_HIERA, TOY_LITE, randomise

PHRASES = ["the ship", "the large tank on the left of the pier"]


@pytest.fixture(scope="session")
def calm_folder(tmp_path_factory: pytest.TempPathFactory, toy_config: RS2SAM2Config, toy_vocabulary: Path) -> Path:
    """A saved toy model that does not amplify rounding."""
    folder = tmp_path_factory.mktemp("calm")
    trunk = dataclasses.replace(TOY_HIERA, depths=(1, 1, 2, 1), global_blocks=(3,))  # exporting takes its time
    toy_config = dataclasses.replace(toy_config, trunk=trunk, beit3=dataclasses.replace(toy_config.beit3, depth=1))
    randomise(RS2SAM2(toy_config), seed=5).save_pretrained(folder, vocabulary=toy_vocabulary)
    return folder


@pytest.fixture(scope="session")
def onnx_folder(calm_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("onnx")
    assert run(["export", str(calm_folder), "--format", "onnx", "-o", str(folder)]) == 0
    return folder


def test_onnx_runtime_answers_as_torch_does(calm_folder: Path, onnx_folder: Path, picture: Path) -> None:
    eager = Predictor.load(calm_folder, device="cpu", dtype="float32").predict(picture, PHRASES)
    exported = Predictor.load(onnx_folder, backend="onnxruntime").predict(picture, PHRASES)
    for ours, theirs in zip(eager, exported, strict=True):
        assert np.abs(ours.logits - theirs.logits).max() < 1e-3 * ours.logits.std()
        assert abs(ours.predicted_iou - theirs.predicted_iou) < 1e-4
        assert theirs.presence is None


def test_torch_export(calm_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["export", str(calm_folder), "--format", "torch-export", "-o", str(tmp_path / "out")]) == 0
    assert "of the model's" in capsys.readouterr().out
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"config.json", "model.pt2", "vocabulary.spm"}


def test_a_model_without_a_second_view(tmp_path: Path) -> None:
    model = randomise(RS2SAM2(TOY_LITE), seed=5)
    assert exporting.export(model, None, tmp_path, "torch-export") < 1e-2
    assert input_names(TOY_LITE) == ("image", "token_ids", "text_padding")


def test_a_graph_that_answers_differently_is_refused(calm_folder: Path, onnx_folder: Path) -> None:
    other = exporting.Graph(randomise(RS2SAM2.from_pretrained(calm_folder), seed=6))
    with pytest.raises(RS2SAM2Error, match="answers differently"):
        exporting.verify(other, onnx_folder / "model.onnx", "onnx")


def test_what_it_cannot_do_is_said(onnx_folder: Path, picture: Path, tmp_path: Path) -> None:
    predictor = Predictor.load(onnx_folder, backend="onnxruntime")
    with pytest.raises(UsageError, match="corrections"):
        predictor.predict(picture, "the ship", correction=Correction(points=[(3, 4)]))
    with pytest.raises(UsageError, match="leave device"):
        Predictor.load(onnx_folder, backend="onnxruntime", dtype="bfloat16")
    with pytest.raises(UsageError, match="choose torch or onnxruntime"):
        Predictor.load(onnx_folder, backend="tensorrt")  # type: ignore[arg-type]
    with pytest.raises(WeightsError, match="rs2sam2 export"):
        Predictor.load(backend="onnxruntime")
    (tmp_path / "model.onnx").write_bytes(b"no graph")
    with pytest.raises(WeightsError, match="cannot be run"):
        open_session(tmp_path / "model.onnx")
    assert run(["export", "nano", "-o", str(tmp_path / "x")]) == 2


def test_phrases_of_any_length(onnx_folder: Path) -> None:
    config = RS2SAM2Config.from_json((onnx_folder / "config.json").read_text())
    session = open_session(onnx_folder / "model.onnx")
    for length in (2, config.beit3.max_tokens):
        given = [x.numpy() for x in exporting.example(config, length) if isinstance(x, torch.Tensor)]
        (logits,) = session.run(["mask_logits"], dict(zip(input_names(config), given, strict=True)))
        assert np.isfinite(logits).all()


def test_a_graph_that_answers_differently_is_not_put_in_place(
    calm_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def differs(*_: object) -> float:
        raise RS2SAM2Error("answers differently")

    monkeypatch.setattr(exporting, "verify", differs)
    monkeypatch.setattr(torch.export, "export", lambda *_, **__: None)
    monkeypatch.setattr(torch.export, "save", lambda _, path: path.write_text("graph"))
    (tmp_path / "before").mkdir()
    model = RS2SAM2.from_pretrained(calm_folder)
    for folder in (tmp_path / "before", tmp_path / "new"):
        with pytest.raises(RS2SAM2Error, match="differently"):
            exporting.export(model, None, folder, "torch-export")
    assert [str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*")] == ["before"]


def test_the_graph_stands_for_its_folder(onnx_folder: Path) -> None:
    graph = onnx_folder / "model.onnx"
    assert Predictor.load(graph, backend="onnxruntime").name == "toy"
    for weights in (graph, onnx_folder):
        with pytest.raises(WeightsError, match=r"exported model.*--backend onnxruntime"):
            Predictor.load(weights)
