from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.fixtures.answers import Answer, Answers
from tidemill.cli.commands.audit import who
from tidemill.cli.main import run

ADA = "01a1fe40-a274-727f-be8b-b0feb3f318f4"


def test_who_names_users_and_on_whose_behalf_others_act() -> None:
    names = {ADA: "ada@example.org"}

    user = who({"actor": {"kind": "user", "id": ADA, "on_behalf_of": None}}, names)
    system = who({"actor": {"kind": "system", "id": "automation", "on_behalf_of": ADA}}, names)

    assert (user, system) == ("ada@example.org", "system:automation for ada@example.org")


def test_who_keeps_the_id_of_someone_who_left() -> None:
    assert who({"actor": {"kind": "user", "id": ADA}}, {}) == f"user:{ADA}"


def test_export_into_a_file_says_how_many_lines_it_has(
    server: Answers, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = b'{"seq": 1}\n{"seq": 2}\n'
    stream = {"Content-Type": "application/x-ndjson"}
    answer = Answer(headers=stream, chunks=(lines,))
    server.prepare("GET", "/api/v1/audit-events/export", answer)
    file = tmp_path / "audit.ndjson"

    assert run(["audit", "export", "--output", str(file), "--json"]) == 0

    assert json.loads(capsys.readouterr().out) == {"file": str(file), "lines": 2}
    assert file.read_bytes() == lines
