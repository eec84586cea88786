import collections
import datetime
import os
import pickle
import struct
import time

import pytest
from fake_sets import SHARED
from hypothesis import given
from hypothesis import strategies as st

from rs2sam2.data import safe_pickle
from rs2sam2.errors import DataError

plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda items: (
        st.lists(items, max_size=4)
        | st.lists(items, max_size=4).map(tuple)
        | st.dictionaries(st.text(max_size=4) | st.integers(), items, max_size=4)
    ),
    max_leaves=20,
)


@given(plain, st.integers(0, pickle.HIGHEST_PROTOCOL))
def test_plain_data_of_any_protocol_is_what_it_was(value, protocol):
    assert safe_pickle.loads(pickle.dumps(value, protocol)) == value


def test_shared_and_cyclic_containers_stay_so():
    inner = ["x"]
    cyclic = [inner, inner]
    cyclic.append(cyclic)
    out = safe_pickle.loads(pickle.dumps(cyclic))
    assert out[0] is out[1]
    assert out[2] is out


class Touch:
    """A pickle that creates a file where it is read."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_hostile_pickle_leaves_no_file_and_says_so(tmp_path, protocol):
    mark = tmp_path / "touched"
    file = tmp_path / "refs(unc).p"
    file.write_bytes(pickle.dumps([{"ref_id": 1, "sentences": [Touch(mark)]}], protocol))
    with pytest.raises(DataError, match=r"refs\(unc\)\.p asks for a global \w+\.mkdir at byte .* nothing was run"):
        safe_pickle.load(file)
    assert not mark.exists()
    pickle.loads(file.read_bytes())  # it is a real attack: Python's own reader falls for it
    assert mark.exists()


@pytest.mark.parametrize(
    "value",
    [datetime.date(2024, 1, 1), collections.OrderedDict(a=1), {1, 2}, b"bytes", frozenset("a"), complex(1), len, int],
)
def test_anything_else_is_refused(value):
    with pytest.raises(DataError, match="asks for"):
        safe_pickle.loads(pickle.dumps([value]))


NESTED_KEY = b"\x80\x02}" + b")" + b"\x85" * 200_000 + b"K\x01s."  # crashes Python's reader: the key's hash recurses
BOMBS = {
    "memo slot 2**31": b"\x80\x02K\x01r" + struct.pack("<I", 2**31) + b".",
    "deep nesting": b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b".",
    "long text": b"\x80\x04\x8d" + struct.pack("<Q", 2**60) + b"x.",
    "long integer": b"\x80\x02\x8b" + struct.pack("<i", 10**6) + b"\x7f" * 10**6 + b".",
    "many digits": b"L" + b"9" * 10**6 + b"L\n.",
    "negative length": b"T\xff\xff\xff\xff.",
    "long frame": b"\x80\x04\x95" + struct.pack("<Q", 2**60) + b"N.",
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_bombs_cost_nothing(bomb):
    start = time.process_time()
    try:
        safe_pickle.loads(BOMBS[bomb])
    except DataError as error:
        assert len(str(error)) < 300
    assert time.process_time() - start < 3


def test_nested_keys_are_refused_before_they_are_hashed():
    with pytest.raises(DataError, match="dictionary key of type tuple"):
        safe_pickle.loads(NESTED_KEY)


@given(st.binary(max_size=60))
def test_any_bytes_are_data_or_an_error(data):
    try:
        safe_pickle.loads(data)
    except DataError as error:
        assert "\n" not in str(error)


@given(plain, st.data())
def test_a_cut_off_file_is_an_error(value, data):
    whole = pickle.dumps(value)
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    with pytest.raises(DataError, match="download it again"):
        safe_pickle.loads(cut)


def test_python_2_pickles_are_read():
    # what Python 2's pickle wrote for {'a': u'b', 'n': [1L, True]} at protocol 0
    text = b"(dp0\nS'a'\np1\nVb\np2\nsS'n'\np3\n(lp4\nL1L\naI01\nas."
    assert safe_pickle.loads(text) == {"a": "b", "n": [1, True]}


def test_missing_and_huge_files(tmp_path, monkeypatch):
    with pytest.raises(DataError, match="no file"):
        safe_pickle.load(tmp_path / "gone.p")
    (tmp_path / "big.p").write_bytes(pickle.dumps(list(range(100))))
    monkeypatch.setattr(safe_pickle, "MAX_BYTES", 10)
    with pytest.raises(DataError, match="not read as a pickle"):
        safe_pickle.load(tmp_path / "big.p")


def test_the_real_entries_of_rrsisd():
    file = SHARED / "reference" / "rrsisd_refs_sample.p"
    if not file.is_file():
        pytest.skip("the 100 real entries of RRSIS-D are not on this machine")
    refs = safe_pickle.load(file)
    assert len(refs) == 100
    assert refs == pickle.loads(file.read_bytes())  # known to be harmless
