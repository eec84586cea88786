from __future__ import annotations

import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest

from rs2sam2.geo.expected import expected


def test_threads_do_not_take_each_others_filter_away() -> None:
    def warn(n: int) -> None:
        with expected(UserWarning, "known"):
            time.sleep(0.001 * (n % 3))
            warnings.warn("known", UserWarning, stacklevel=1)  # an error, wherever the filter is missing

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(warn, range(40)))


def test_other_warnings_are_shown_and_the_filter_ends() -> None:
    with expected(UserWarning, "known"), pytest.raises(UserWarning, match="another"):
        warnings.warn("another", UserWarning, stacklevel=1)
    with pytest.raises(UserWarning, match="known"):
        warnings.warn("known", UserWarning, stacklevel=1)
