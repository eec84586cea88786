"""Connected components: they are the whole mask, and no two touch."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rs2sam2.data.components import components


@given(seed=st.integers(0, 10**6), density=st.floats(0.1, 0.9))
@settings(deadline=None)
def test_components_partition_the_mask_and_do_not_touch(seed: int, density: float) -> None:
    mask = np.random.default_rng(seed).random((13, 17)) < density
    label = np.zeros(mask.shape, int)
    for n, patch in enumerate(components(mask), 1):
        whole = np.zeros(mask.shape, np.bool_)
        patch.add_to(whole)
        assert patch.area == whole.sum() and not (label[whole] > 0).any()
        label[whole] = n
    assert np.array_equal(label > 0, mask)
    for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
        a = label[: 13 - dy, max(0, -dx) : 17 - max(0, dx)]
        b = label[dy:, max(0, dx) : 17 - max(0, -dx)]
        touching = (a > 0) & (b > 0)
        assert (a[touching] == b[touching]).all()
