"""Tables, indexes and foreign keys are named by one rule on both databases (Q15, Q16, Q17)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from tests.architecture.sources import ROOT, relative

COMMENT: Final = re.compile(r"--[^\n]*")
TABLE: Final = re.compile(
    r"CREATE TABLE (?:IF NOT EXISTS )?(\w+)\s*\((.*?)\n\)", re.DOTALL | re.IGNORECASE
)
INDEX: Final = re.compile(
    r"CREATE (?:UNIQUE )?INDEX (?:IF NOT EXISTS )?(\w+)\s+ON (?:ONLY )?(\w+)", re.IGNORECASE
)
REFERENCE: Final = re.compile(
    r"(?:CONSTRAINT (\w+)\s+)?(?:FOREIGN KEY\s*\([^)]*\)\s*)?REFERENCES (\w+)",
    re.DOTALL | re.IGNORECASE,
)
SNAKE_CASE: Final = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
# Words whose plural has no s, or that name a thing of which there is one.
PLURAL_WITHOUT_S: Final = frozenset({"people", "stream", "outbox", "audit_outbox", "job_history"})

UPS: Final = sorted((ROOT / "migrations").rglob("*.up.sql"))


@pytest.mark.parametrize("file", UPS, ids=relative)
def test_names_follow_the_rule(file: Path) -> None:
    sql = COMMENT.sub("", file.read_text())
    wrong: list[str] = []
    for name, body in TABLE.findall(sql):
        if not SNAKE_CASE.fullmatch(name):
            wrong.append(f"table {name}: not snake_case")
        if not name.endswith("s") and name not in PLURAL_WITHOUT_S:
            wrong.append(f"table {name}: not plural")
        for constraint, referenced in REFERENCE.findall(body):
            if not constraint.startswith(f"fk_{name}_{referenced}"):
                wrong.append(f"{name} → {referenced}: call it fk_{name}_{referenced}")
    for index, table in INDEX.findall(sql):
        if not index.startswith(f"idx_{table}_"):
            wrong.append(f"index {index}: call it idx_{table}_<columns>")

    assert wrong == []
