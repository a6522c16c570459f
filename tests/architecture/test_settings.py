"""Every key of the configuration is in the configuration reference."""

from __future__ import annotations

from tests.architecture.sources import ROOT
from tidemill.core.config import KEYS


def test_every_key_is_documented() -> None:
    page = (ROOT / "docs" / "guide" / "configuration.md").read_text(encoding="utf-8")

    missing = [name for name, key in KEYS.items() if key.field not in page]

    assert missing == [], "run the generator of docs/guide/configuration.md"
