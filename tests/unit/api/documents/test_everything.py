from __future__ import annotations

from pathlib import Path

import pytest

from tidemill.api.documents.everything import DOCUMENTS

ROOT = Path(__file__).resolve().parents[4]


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_documents_are_current(name: str) -> None:
    written = (ROOT / name).read_text(encoding="utf-8")

    assert written == DOCUMENTS[name](), "run `make docs`"
