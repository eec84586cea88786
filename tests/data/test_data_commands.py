import json

import pytest
from fake_sets import refs, rrsisd
from PIL import Image

from rs2sam2.cli.data import app
from rs2sam2.errors import DataError, PartialFailureError, UsageError


def call(*arguments):
    return app([str(a) for a in arguments], exit_on_error=False, print_error=False, result_action="return_value")


def test_check_prints_counts_and_succeeds(tmp_path, capsys):
    pytest.importorskip("pycocotools")
    call("check", refs(tmp_path))
    out = capsys.readouterr().out
    assert "train: 6 samples of 6 images, 6 targets, 1 samples without one" in out
    assert "kind: position 2, size 2, category 2" in out


def test_check_ends_with_4_where_something_is_broken(tmp_path, capsys):
    pytest.importorskip("pycocotools")
    with pytest.raises(PartialFailureError, match="6 things") as caught:
        call("check", rrsisd(tmp_path, quirks=True))
    assert caught.value.exit_code == 4
    assert "BROKEN: empty mask, 2 times" in capsys.readouterr().out
    with pytest.raises(PartialFailureError):
        call("check", tmp_path, "--json", "--split", "test")
    report = json.loads(capsys.readouterr().out)
    assert report["ok"] is False
    assert list(report["splits"]) == ["test"]
    assert {"what": "missing image", "split": "test", "id": "3"}.items() <= report["findings"][0].items()


def test_check_names_a_way_out_only_where_it_leads_out(tmp_path):
    root = refs(tmp_path / "s")
    (root / "images" / "4.png").unlink()
    with pytest.raises(PartialFailureError, match="or leave those samples out: rs2sam2 data convert"):
        call("check", root)
    call("convert", root, tmp_path / "out", "--drop-broken")
    (root / "train.jsonl").write_text("{")
    with pytest.raises(PartialFailureError, match=r"1 things .*; correct them$"):
        call("check", root, "--split", "val")
    with pytest.raises(DataError):
        call("convert", root, tmp_path / "out2", "--drop-broken")


def test_check_takes_a_word_list(tmp_path, capsys):
    pytest.importorskip("pycocotools")
    (tmp_path / "words.txt").write_text("the a on in at\nship left tiny vehicle middle bridge bottom right")
    call("check", refs(tmp_path / "s"), "--words", tmp_path / "words.txt")
    out = capsys.readouterr().out
    assert "train windmill: in 1 phrases" in out
    with pytest.raises(UsageError, match="no word list"):
        call("check", tmp_path / "s", "--words", tmp_path / "gone.txt")
    (tmp_path / "words.txt").write_bytes("café".encode("latin-1"))
    with pytest.raises(UsageError, match=r"words\.txt is not UTF-8 .* save it as UTF-8"):
        call("check", tmp_path / "s", "--words", tmp_path / "words.txt")


def test_preview_writes_a_sheet(tmp_path, capsys):
    pytest.importorskip("pycocotools")
    refs(tmp_path / "s")
    call("preview", tmp_path / "s", tmp_path / "sheet.png", "--count", "4", "--cell", "100", "--columns", "2")
    assert capsys.readouterr().out == f"{tmp_path / 'sheet.png'}: 4 of 6 samples\n"
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.width == 2 * 108 + 8
    call("preview", tmp_path / "s", tmp_path / "none.png", "--kind", "no-target", "--split", "val")
    assert capsys.readouterr().out.endswith("1 of 1 samples\n")
    with pytest.raises(UsageError, match="no samples to show"):
        call("preview", tmp_path / "s", tmp_path / "none.png", "--category", "dam")


def test_convert_says_what_it_wrote(tmp_path, capsys):
    call("convert", rrsisd(tmp_path / "a"), tmp_path / "b", "--split", "val", "--split", "test")
    assert capsys.readouterr().out == f"{tmp_path / 'b'}: val 2, test 2\n"
    call("convert", tmp_path / "b", tmp_path / "c", "--to", "rrsisd")
    assert (tmp_path / "c" / "rrsisd" / "refs(unc).p").is_file()
    with pytest.raises(DataError, match="expected a folder with one of"):
        call("check", tmp_path / "nowhere")
