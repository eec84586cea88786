import subprocess
import sys

import pytest
from fake_sets import refs, refsegrs, risbench, rrsisd

import rs2sam2.data
from rs2sam2.data import open_dataset
from rs2sam2.errors import DataError, UsageError

MAKERS = {"rrsisd": rrsisd, "refsegrs": refsegrs, "risbench": risbench, "refs": refs}


@pytest.mark.parametrize("name", MAKERS)
def test_layouts_are_told_apart_by_content(tmp_path, name):
    data = open_dataset(MAKERS[name](tmp_path / "anything"))
    assert data.layout.name == name
    samples = [s for split in data.splits() for s in data.read(split)]
    assert samples
    assert all(s.image.is_file() for s in samples)
    assert open_dataset(tmp_path / "anything", layout=name).layout is data.layout


@pytest.mark.parametrize("name", MAKERS)
def test_a_path_one_step_off_is_corrected(tmp_path, name):
    root = MAKERS[name](tmp_path / "outer" / "inner")
    with pytest.raises(DataError, match=r"did you mean .*outer.inner\?"):
        open_dataset(root.parent)


def test_a_wrong_path_says_what_was_expected_found_and_where_to_get_it(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "notes.txt").touch()
    with pytest.raises(DataError) as caught:
        open_dataset(tmp_path)
    text = str(caught.value)
    assert "holds notes.txt, photos/" in text
    for wanted in (
        "refs(unc).p",
        "output_phrase_{train,val,test}.txt",
        "dataset.json",
        "https://github.com/Lsan2401/RMSIN",
    ):
        assert wanted in text
    assert "\n" not in text
    with pytest.raises(DataError, match="there is no"):
        open_dataset(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"notes\.txt is a file"):
        open_dataset(tmp_path / "notes.txt")
    with pytest.raises(DataError) as caught:
        open_dataset(tmp_path, layout="refsegrs")
    assert "RMSIN" not in str(caught.value) and "RefSegRS" in str(caught.value)


def test_unknown_layouts_and_splits_are_usage_errors(tmp_path):
    with pytest.raises(UsageError, match="choose one of refs, refsegrs, risbench, rrsisd"):
        open_dataset(tmp_path, layout="coco")
    with pytest.raises(UsageError, match="choose one of train, val, test"):
        open_dataset(rrsisd(tmp_path)).read("testA")


def test_importing_the_package_imports_nothing_slow():
    code = "import sys, rs2sam2.data, rs2sam2.data.registry; print([m for m in ('torch', 'PIL', 'pycocotools') if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"


def test_every_public_name_is_there():
    for name in rs2sam2.data.__all__:
        assert getattr(rs2sam2.data, name) is not None
    assert rs2sam2.data.__all__ == dir(rs2sam2.data)
    with pytest.raises(AttributeError):
        rs2sam2.data.nonsense  # noqa: B018
