from __future__ import annotations

import pytest

from rs2sam2 import config
from toys import TOY_BEIT3, TOY_HIERA


@pytest.fixture(autouse=True)
def toy_sizes_are_published(monkeypatch: pytest.MonkeyPatch, toy_config: config.RS2SAM2Config) -> None:
    """Importers know published sizes only; here the toy ones are among them."""
    monkeypatch.setitem(config.HIERA, "hiera-toy", TOY_HIERA)
    monkeypatch.setitem(config.BEIT3, "toy", TOY_BEIT3)
