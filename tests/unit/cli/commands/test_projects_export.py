from __future__ import annotations

from pathlib import Path

from tests.fixtures.answers import Answer, Answers
from tidemill.cli.main import run


def test_export_writes_what_arrives_into_a_file(server: Answers, tmp_path: Path) -> None:
    path = "/api/v1/projects/TM/export"
    server.prepare("GET", path, Answer(body="BEGIN:VCALENDAR"))
    file = tmp_path / "due.ics"

    code = run(
        ["projects", "export", "TM", "-o", str(file), "--format", "ics", "--filter", "is:open"]
    )

    assert code == 0
    assert server.asked[0].path == f"{path}?format=ics&filter=is%3Aopen"
    assert b"BEGIN:VCALENDAR" in file.read_bytes()
