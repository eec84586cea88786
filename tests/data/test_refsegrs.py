import pytest
from fake_sets import mask, refsegrs

from rs2sam2.data.registry import open_dataset
from rs2sam2.errors import DataError


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_reading(tmp_path, newline):
    data = open_dataset(refsegrs(tmp_path, newline=newline))
    assert (data.layout.name, data.splits()) == ("refsegrs", ("train", "val", "test"))
    samples = data.read("val")
    assert [(s.id, s.phrase) for s in samples] == [("1", "a tiny vehicle in the middle"), ("4", "the ship on the left")]
    for sample in samples:
        assert (sample.load_mask() == mask(int(sample.id))).all()  # 50 is background, 255 is not
        assert sample.load_image().size == (64, 64)


def test_blank_lines_marks_and_spaces_are_passed_over(tmp_path):
    refsegrs(tmp_path)
    (tmp_path / "output_phrase_val.txt").write_bytes(b"\xef\xbb\xbf1  the road \r\n\r\n   \n4\tvan\n")
    assert [(s.id, s.phrase) for s in open_dataset(tmp_path).read("val")] == [("1", "the road"), ("4", "van")]


def test_a_line_ends_at_a_line_feed_alone(tmp_path):
    refsegrs(tmp_path)
    (tmp_path / "output_phrase_val.txt").write_bytes("1 the road\u2028on the left\r\n4 a van\x85there\n".encode())
    phrases = [s.phrase for s in open_dataset(tmp_path).read("val")]
    assert phrases == ["the road\u2028on the left", "a van\x85there"]


@pytest.mark.parametrize("line", ["7", "../../7 the road", "a\\b road"])
def test_malformed_lines_are_named(tmp_path, line):
    refsegrs(tmp_path)
    (tmp_path / "output_phrase_val.txt").write_text(f"1 the road\n{line}\n")
    with pytest.raises(DataError, match=r"output_phrase_val\.txt line 2: .* is not '<id> <phrase>'"):
        open_dataset(tmp_path).read("val")


def test_other_encodings_are_refused(tmp_path):
    refsegrs(tmp_path)
    (tmp_path / "output_phrase_val.txt").write_bytes("1 the caf\xe9".encode("latin-1"))
    with pytest.raises(DataError, match="not UTF-8"):
        open_dataset(tmp_path).read("val")
