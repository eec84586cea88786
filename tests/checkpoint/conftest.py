from __future__ import annotations

import pytest

from rs2sam2 import presets
from rs2sam2.config import RS2SAM2Config
from toys import TOY_BEIT3, TOY_HIERA


@pytest.fixture(autouse=True)
def toy_sizes_are_published(monkeypatch: pytest.MonkeyPatch, toy_config: RS2SAM2Config) -> None:
    """Importers know published sizes only; here the toy ones are among them."""
    monkeypatch.setitem(presets.HIERA, "hiera-toy", TOY_HIERA)
    monkeypatch.setitem(presets.BEIT3, "toy", TOY_BEIT3)
