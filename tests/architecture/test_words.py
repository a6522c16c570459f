"""The project speaks of itself: nothing in it names a machine or a person's directory."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from tests.architecture.sources import project_files, relative

MACHINE_PATHS: Final = re.compile(r"/(?:work|home|root|Users)/[A-Za-z0-9_.-]+/")
# Words on which work was left, which belong into an issue.
UNFINISHED: Final = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|X" + r"XX|HA" + r"CK)\b")
TEXT: Final = frozenset(
    {".py", ".md", ".toml", ".sql", ".proto", ".yml", ".yaml", ".json", ".sh", ".txt", ".lock", ""}
)


def test_no_file_names_a_machine() -> None:
    assert _lines_with(MACHINE_PATHS) == []


def test_no_file_leaves_work_unfinished() -> None:
    assert _lines_with(UNFINISHED) == [], "open an issue instead"


def _lines_with(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{relative(file)}:{number}: {line.strip()[:80]}"
        for file in project_files()
        if file.suffix in TEXT
        for number, line in enumerate(_text(file).splitlines(), start=1)
        if pattern.search(line)
    ]


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace")
