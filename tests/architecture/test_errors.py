"""Each failure has one stable code, and `docs/api/errors.md` explains it."""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

from tests.architecture.sources import ROOT, import_everything
from tidemill.core.errors import TidemillError, every_error

FORM: Final = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*")


def _errors() -> list[type[TidemillError]]:
    import_everything()
    return [error for error in every_error() if error.__module__.startswith("tidemill.")]


def test_error_codes_are_unique() -> None:
    declared = [error for error in _errors() if "code" in vars(error)]
    codes = Counter(error.code for error in declared)

    twice = {
        code: [error.__qualname__ for error in declared if error.code == code]
        for code, count in codes.items()
        if count > 1
    }

    assert twice == {}


def test_error_codes_are_upper_case_words() -> None:
    assert [error.code for error in _errors() if not FORM.fullmatch(error.code)] == []


def test_every_error_declares_a_code_of_its_own_or_is_private() -> None:
    nameless = [
        error.__qualname__
        for error in _errors()
        if "code" not in vars(error) and not error.__name__.startswith("_")
    ]

    assert nameless == []


def test_every_error_is_documented() -> None:
    page = (ROOT / "docs" / "api" / "errors.md").read_text(encoding="utf-8")

    missing = sorted({e.code for e in _errors() if not re.search(rf"\b{e.code}\b", page)})

    assert missing == [], "run the generator of docs/api/errors.md"
