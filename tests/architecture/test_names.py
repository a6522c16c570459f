"""ADR 0007 maps names that others use to ours, and each of its targets exists."""

from __future__ import annotations

import importlib
import re
from typing import Final

import pytest

from tests.architecture.sources import ROOT

PAGE: Final = ROOT / "docs" / "adr" / "0007-names.md"
ROW: Final = re.compile(r"\| ([RQ]\d+) \| ([^|]+) \| ([^|]+) \|")
TARGET: Final = re.compile(r"`([^`]+)`")
IDS: Final = frozenset(
    [f"R{number:03}" for number in (*range(1, 10), 12, 15, 24, 28)]
    + [f"Q{number:02}" for number in (*range(1, 18), 34)]
)
# Words in the last column that are no places: rules, patterns and examples.
WORDS: Final = frozenset({"N", "limit_max", "test_{source_name}.py"})

ROWS: Final = {match[1]: match[3] for match in ROW.finditer(PAGE.read_text(encoding="utf-8"))}


def test_every_id_has_its_row() -> None:
    assert set(ROWS) == IDS


@pytest.mark.parametrize("id_", sorted(IDS))
def test_every_target_exists(id_: str) -> None:
    targets = [target for target in TARGET.findall(ROWS[id_]) if target not in WORDS]

    missing = [target for target in targets if not _exists(target)]

    assert targets, f"{id_} names no place"
    assert missing == []


def test_links_between_pages_lead_somewhere() -> None:
    link = re.compile(r"\]\((?!https?://|#)([^)#]+)(?:#[^)]*)?\)")
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]

    broken = [
        f"{page.relative_to(ROOT)} → {target}"
        for page in pages
        for target in link.findall(page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]

    assert broken == []


def _exists(target: str) -> bool:
    module, colon, name = target.partition(":")
    if colon:
        return hasattr(importlib.import_module(module), name)
    return (ROOT / target).exists()
