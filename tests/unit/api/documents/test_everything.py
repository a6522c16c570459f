from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tidemill.api.documents.everything import DOCUMENTS

ROOT = Path(__file__).resolve().parents[4]


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_documents_are_current(name: str) -> None:
    """Q39."""
    written = (ROOT / name).read_text(encoding="utf-8")

    assert written == DOCUMENTS[name](), "run `make docs`"


def test_names_of_the_documents_parts_say_nothing_of_modules() -> None:
    document = json.loads((ROOT / "docs" / "api" / "openapi.json").read_bytes())

    # Two classes of one name are told apart by their modules, whose names are nobody's business.
    assert [
        n for n in document["components"]["schemas"] if re.search("_(models|schemas)_", n)
    ] == []
