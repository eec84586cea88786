from collections.abc import Callable

import numpy as np
import pytest

from rs2sam2.data.synthetic.canvas import Canvas, Sun
from rs2sam2.data.synthetic.pitches import basketball_court, tennis_court

METRES = 0.25  # a pixel


@pytest.mark.parametrize(("draw", "size"), [(tennis_court, (23.77, 10.97)), (basketball_court, (28, 15))])
def test_a_court_ends_at_its_lines(draw: Callable[..., None], size: tuple[float, float]) -> None:
    canvas = Canvas((200, 200), METRES, 0, np.random.default_rng(0), Sun(2.0, 0.8))
    draw(canvas, 25.0, 25.0, 0.4)
    (court,) = canvas.drawn
    assert court.mask.sum() * METRES**2 == pytest.approx(size[0] * size[1], rel=0.02)
