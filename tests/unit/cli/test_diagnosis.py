from __future__ import annotations

import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.fixtures.answers import Answer, answering
from tidemill.api.serving import run_directory
from tidemill.cli.diagnosis import Finding, Verdict, diagnose
from tidemill.cli.failures import CommandFailed
from tidemill.cli.main import run
from tidemill.core.config import Config
from tidemill.runtime.arguments import parse

NOTHING: dict[str, Any] = {"items": [], "next_cursor": None}


def _config(tmp_path: Path, *words: str, environ: Mapping[str, str] | None = None) -> Config:
    return parse(["--data-dir", str(tmp_path / "data"), *words]).load(environ or {})


def _finding(config: Config, part: str) -> Finding:
    return next(finding for finding in diagnose(config) if finding.part == part)


def test_diagnose_of_a_fresh_directory_fails_nothing_but_notes_that_nothing_runs(
    tmp_path: Path,
) -> None:
    found = {
        finding.part: finding.verdict for finding in diagnose(_config(tmp_path, "--port", "0"))
    }

    assert found["server"] is Verdict.NOTE
    assert found["data directory"] is Verdict.WORKS
    assert found["stores"] is Verdict.WORKS


def test_diagnose_makes_nothing_where_nothing_is(tmp_path: Path) -> None:
    list(diagnose(_config(tmp_path, "--port", "0")))

    assert list(tmp_path.iterdir()) == []


def test_diagnose_names_setting_source_and_fix_of_a_service_that_is_away(tmp_path: Path) -> None:
    config = _config(tmp_path, environ={"TIDEMILL_REDIS_URL": "redis://:secret@127.0.0.1:9/0"})

    finding = _finding(config, "redis")

    assert finding.verdict is Verdict.FAILS
    assert finding.setting is not None
    assert finding.setting.startswith("redis.url = 'redis://")
    assert "secret" not in finding.setting
    assert finding.source == "TIDEMILL_REDIS_URL in the environment"
    assert finding.fix is not None


def test_diagnose_finds_a_port_that_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nobody answers there.
    monkeypatch.setattr("tidemill.cli.diagnosis.connect_seconds_max", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])

        finding = _finding(_config(tmp_path, "--port", port), "address")

    assert finding.verdict is Verdict.FAILS
    assert finding.source == "--port"


@pytest.mark.parametrize(
    ("states", "verdict", "detail"),
    [
        (["left", "connected", "lost"], Verdict.WORKS, "1 connected: w1"),
        (["left", "lost"], Verdict.FAILS, "None is connected: jobs wait."),
    ],
)
def test_diagnose_counts_only_workers_that_are_there(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    states: list[str],
    verdict: Verdict,
    detail: str,
) -> None:
    items = [{"id": f"w{number}", "state": state} for number, state in enumerate(states)]
    answers: dict[str, Any] = {"/ready": {"parts": []}, "/api/v1/workers": {"items": items}}
    monkeypatch.setattr(
        "tidemill.cli.diagnosis.ask_local", lambda _, __, path: answers.get(path, NOTHING)
    )
    config = _config(tmp_path)
    door = run_directory(config) / "api.sock"
    door.parent.mkdir(parents=True)

    with socket.socket(socket.AF_UNIX) as running:
        running.bind(str(door))
        running.listen()
        found = _finding(config, "workers")

    assert (found.verdict, found.detail) == (verdict, detail)


@pytest.mark.parametrize(
    ("part", "reason", "more", "setting", "fix"),
    [
        ("jobs", "the disk is full", {}, "server.data_dir", "Free disk space"),
        ("jobs", "it is locked by another process", {}, "server.data_dir", "holds a lock"),
        ("jobs", "away", {"database.url": "postgres://db/x"}, "database.url", "Start the service"),
        ("mail", "refused", {"mail.smtp_host": "mail.example"}, "mail.smtp_host", "Start the"),
        ("mail", "no", {}, "mail.directory", "Let this user write"),
        ("bus", "away", {"message_queue.url": "nats://b"}, "message_queue.url", "Start the"),
        ("bus", "away", {"database.url": "postgres://db/x"}, "database.url", "Start the"),
    ],
)
def test_diagnose_names_setting_and_fix_of_a_part_that_is_not_ready(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    part: str,
    reason: str,
    more: dict[str, str],
    setting: str,
    fix: str,
) -> None:
    parts = [{"name": part, "ready": False, "vital": True, "reason": reason}]
    answers: dict[str, Any] = {"/ready": {"parts": parts}, "/api/v1/workers": {"items": []}}
    monkeypatch.setattr("tidemill.cli.diagnosis._is_running", lambda _: True)
    monkeypatch.setattr(
        "tidemill.cli.diagnosis.ask_local",
        lambda _config, _method, path: answers.get(path, NOTHING),
    )
    words = [word for name, value in more.items() for word in ("--set", f"{name}={value}")]

    found = _finding(_config(tmp_path, *words), part)

    assert (found.verdict, found.detail) == (Verdict.FAILS, reason)
    assert (found.setting or "").startswith(f"{setting} = ")
    assert fix in (found.fix or "")


def test_doctor_fails_with_its_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--data-dir", str(tmp_path / "data"), "--set", "redis.url=redis://127.0.0.1:9/0"]

    assert run(["doctor", *words]) == 1

    assert "✗ redis: Nothing answers at 127.0.0.1:9" in capsys.readouterr().out


def test_diagnose_tells_a_server_with_another_directory_from_a_port_that_is_taken(
    tmp_path: Path,
) -> None:
    with answering() as server:
        server.prepare("GET", "/ready", Answer(body={"ready": True, "parts": []}))
        port = str(urlsplit(server.url).port)

        finding = _finding(_config(tmp_path, "--port", port), "address")

    assert finding.verdict is Verdict.NOTE
    assert "--data-dir" in (finding.fix or "")


def test_diagnose_notes_languages_that_are_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "tidemill.cli.diagnosis.missing_languages",
        lambda: {"typescript": "pip install 'tidemill[typescript]'"},
    )

    found = _finding(_config(tmp_path, "--port", "0"), "languages")

    assert found.verdict is Verdict.NOTE
    assert "typescript" in found.detail
    assert "tidemill[typescript]" in (found.fix or "")


def test_diagnose_notes_tags_whose_workers_offer_less_than_jobs_want(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    common = {"id": "one", "state": "connected"}
    workers = [
        {**common, "tags": ["default"], "isolations": ["sandbox", "fork"]},
        {**common, "tags": ["default", "node"], "isolations": ["fork"]},
        {**common, "tags": ["shop"], "isolations": ["function:shop"]},
        {**common, "tags": ["old"], "isolations": ["fork"], "state": "left"},
    ]
    answers = {"/ready": {"parts": []}, "/api/v1/workers": {"items": workers}}
    monkeypatch.setattr("tidemill.cli.diagnosis._is_running", lambda _: True)
    monkeypatch.setattr(
        "tidemill.cli.diagnosis.ask_local",
        lambda _config, _method, path: answers.get(path, NOTHING),
    )

    found = [one for one in diagnose(_config(tmp_path)) if one.part.startswith("tag ")]

    assert [(one.part, one.verdict) for one in found] == [("tag node", Verdict.NOTE)]
    assert "fork only" in found[0].detail
    assert "jobs.isolation_default" in (found[0].fix or "")


def _told(key: str, value: object, **origin: object) -> dict[str, object]:
    nowhere = {"source": "default", "name": None, "file": None, "line": None, "scope": None}
    return {"key": key, "value": value, "origin": nowhere | origin}


def test_diagnose_shows_the_settings_of_the_server_that_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"source": "command_line", "name": "--set jobs.isolation_default"}
    pages = {
        "/api/v1/settings?limit=200": {
            "items": [_told("jobs.history_days", 30), _told("database.placement", "schema")],
            "next_cursor": "further",
        },
        "/api/v1/settings?limit=200&cursor=further": {
            "items": [_told("jobs.isolation_default", "warm", **given)],
            "next_cursor": None,
        },
        "/ready": {"parts": []},
        "/api/v1/workers": {
            "items": [{"id": "w", "state": "connected", "isolations": ["fork"], "tags": ["film"]}]
        },
    }
    monkeypatch.setattr("tidemill.cli.diagnosis._is_running", lambda _: True)
    monkeypatch.setattr("tidemill.cli.diagnosis.ask_local", lambda _, __, path: pages[path])
    config = _config(tmp_path)

    told = _finding(config, "settings")
    tag = _finding(config, "tag film")

    assert told.verdict is Verdict.NOTE
    assert told.detail == (
        "Shown as the server has them, which differ from this command's: "
        "jobs.isolation_default = 'warm' (--set jobs.isolation_default)."
    )
    assert "jobs that want warm wait" in tag.detail


def test_diagnose_says_when_a_server_does_not_tell_its_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(_config: Config, _method: str, path: str) -> Any:
        if path.startswith("/api/v1/settings"):
            raise CommandFailed("It is an older one.")
        return {"parts": [], "items": []}

    monkeypatch.setattr("tidemill.cli.diagnosis._is_running", lambda _: True)
    monkeypatch.setattr("tidemill.cli.diagnosis.ask_local", ask)

    told = _finding(_config(tmp_path), "settings")

    assert told.verdict is Verdict.NOTE
    assert "those of this command" in told.detail
