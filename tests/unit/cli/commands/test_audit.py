from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.fixtures.answers import Answer, Answers
from tidemill.cli.commands.audit import who
from tidemill.cli.failures import ExitCode
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


def test_verify_tells_each_break_in_full(
    server: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    message = (
        f"/srv/tidemill/audit/{ADA}.head was written by somebody else, and so counts for nothing."
    )
    problems = [{"seq": 3, "kind": "forged", "message": message}]
    found = {"holds": False, "lines": 3, "witnessed_seq": 0, "problems": problems}
    server.prepare("POST", "/api/v1/audit-verifications", Answer(body=found))

    assert run(["audit", "verify"]) == 1

    assert message in capsys.readouterr().out


MEMBERS = {"items": [{"user_id": ADA, "email": "Ada@example.org", "name": "Ada"}]}


def test_list_takes_an_address_and_a_duration(server: Answers) -> None:
    server.prepare("GET", "/api/v1/members", Answer(body=MEMBERS))
    server.prepare("GET", "/api/v1/audit-events", Answer(body={"items": []}))

    assert run(["audit", "list", "--actor", "ada@example.org", "--since", "1h"]) == 0

    asked = parse_qs(urlsplit(server.asked[-1].path).query)
    assert asked["actor"] == [ADA]
    assert datetime.fromisoformat(asked["since"][0]).tzinfo is not None


def test_list_names_an_address_that_no_member_has(
    server: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    server.prepare("GET", "/api/v1/members", Answer(body=MEMBERS))

    assert run(["audit", "list", "--actor", "nell@example.org"]) == ExitCode.NOT_FOUND

    assert "There is no member nell@example.org." in capsys.readouterr().err
