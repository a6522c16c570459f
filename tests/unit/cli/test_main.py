from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.fixtures.answers import Answer, Answers
from tidemill.cli.lazy import COMMANDS, load
from tidemill.cli.main import run

PROCESSES = {"up", "api", "dispatcher", "worker"}
PAGE = {"items": [{"key": "TM", "name": "Tides", "status": "active"}], "next_cursor": None}


def test_run_prints_a_table_for_people(server: Answers, capsys: pytest.CaptureFixture[str]) -> None:
    server.prepare("GET", "/api/v1/projects", Answer(body=PAGE))

    code = run(["projects", "list"])

    assert code == 0
    assert capsys.readouterr().out.splitlines()[1].split() == ["TM", "Tides", "active"]


def test_run_shows_the_parent_of_an_item_by_its_key(
    server: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    child = {"key": "TM-2", "title": "Sluice", "parent_id": "0192"}
    server.prepare("GET", "/api/v1/work-items/TM-2", Answer(body=child))
    server.prepare("GET", "/api/v1/work-items/0192", Answer(body={"key": "TM-1"}))

    run(["items", "show", "TM-2"])

    assert ["Parent", "TM-1"] in [line.split() for line in capsys.readouterr().out.splitlines()]


def test_run_says_that_a_list_goes_on(server: Answers, capsys: pytest.CaptureFixture[str]) -> None:
    server.prepare("GET", "/api/v1/projects", Answer(body={**PAGE, "next_cursor": "c"}))

    run(["projects", "list", "-n", "1"])

    assert "--all shows all" in capsys.readouterr().err


def test_run_prints_one_json_document_with_json(
    server: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    server.prepare("GET", "/api/v1/projects", Answer(body=PAGE))

    run(["projects", "list", "--json"])

    assert json.loads(capsys.readouterr().out) == PAGE["items"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["projcts"], 2, "Did you mean 'projects'? See `tidemill --help`.\n"),
        (["completion", "tcsh"], 2, "shell: 'tcsh' is not one of 'bash', 'zsh', 'fish'."),
        (["items", "show"], 2, "Missing argument"),
        (["items", "list", "--limit", "many"], 2, "--limit must be a whole number, not 'many'."),
        (["items", "list", "--limit", "0"], 2, "--limit must be at least 1, not '0'."),
        (["run", "x", "--arg", "novalue"], 2, "NAME=VALUE"),
        (["run", "missing.py"], 2, "missing.py cannot be read"),
        (["scripts", "push", "script.rb"], 2, ".py, .sh, .bash"),
        (["items", "update", "TM-1"], 2, "Say what to change"),
        (["items", "create", "x"], 2, "Name the project by -p, or a parent by --parent."),
        (["items", "create", "caf\udce9", "-p", "TM"], 2, "Not UTF-8 text"),
        (["items", "list", "--status", "\udce9"], 2, "Not UTF-8 text"),
        (["config", "explain", "server.prot"], 2, "Did you mean server.port?"),
        (["--url", "ftp://x", "projects", "list"], 2, "http://host:port"),
        (["jobs", "show", ""], 2, "An id, name or path is empty"),
        (["scripts", "show", "/"], 2, "An id, name or path is empty"),
        (["jobs", "show", "reports/daily"], 4, "There is no 'reports/daily'"),
        (["jobs", "export", "/"], 2, "/ cannot be written: Is a directory."),
        (["schedules", "import", "/"], 2, "/ cannot be read: Is a directory."),
        (["items", "update", "TM-1", "--description", "@/"], 2, "Is a directory."),
        (["folders", "set", "harbour", "--grant", "me"], 2, "such as role:member=run"),
        (["login", "--email", "a@b.c", "--password-stdin"], 2, "Standard input held no password."),
    ],
)
def test_run_answers_a_mistake_with_one_line(
    server: Answers,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    code: int,
    said: str,
) -> None:
    server.prepare("GET", "/api/v1/job-export", Answer(body={}))
    monkeypatch.setattr("sys.stdin", io.StringIO())

    assert run(arguments) == code

    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("tidemill: ")
    assert printed.err.count("\n") == 1
    assert said in printed.err


@pytest.mark.parametrize("words", [["projcts", "--json"], ["projects", "list", "--wat", "--json"]])
def test_run_tells_programs_of_a_mistake_before_json_was_read(
    capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    assert run(words) == 2

    assert "--help" in json.loads(capsys.readouterr().err)["error"]["message"]


@pytest.mark.parametrize(
    ("status", "code"), [(400, 1), (401, 3), (403, 3), (404, 4), (409, 5), (412, 5), (503, 6)]
)
def test_run_tells_a_refusal_by_its_exit_code(
    server: Answers, capsys: pytest.CaptureFixture[str], status: int, code: int
) -> None:
    error = {"message": "No.", "type": "t", "code": "REFUSED", "param": "key"}
    server.prepare("GET", "/api/v1/projects", Answer(status=status, body={"error": error}))

    assert run(["projects", "list", "--json"]) == code

    told = json.loads(capsys.readouterr().err)
    assert told == {"error": {"message": "No.", "code": "REFUSED", "param": "key"}}


def test_run_says_when_no_server_answers(
    server: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["--url", "http://127.0.0.1:9", "projects", "list"]) == 6

    assert "Start one with `tidemill up`" in capsys.readouterr().err


def test_run_tells_a_person_without_a_login_that_an_address_is_none(
    person: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["--url", "ftp://x", "projects", "list"]) == 2

    assert "'ftp://x' is not the address of a server" in capsys.readouterr().err


def test_run_asks_who_has_no_credential_to_log_in(
    person: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["projects", "list"]) == 3

    assert "tidemill login" in capsys.readouterr().err
    assert person.asked == []


def test_run_says_that_there_is_no_schedule_at_a_path(
    server: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    server.prepare("GET", "/api/v1/schedules", Answer(body={"items": [], "next_cursor": None}))

    assert run(["schedules", "show", "tides/crn"]) == 4

    assert "There is no schedule tides/crn." in capsys.readouterr().err


def test_run_removes_what_could_drive_the_terminal(
    server: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    row = {"key": "TM", "name": "a\x1b[2Jb", "status": "active"}
    server.prepare("GET", "/api/v1/projects", Answer(body={"items": [row], "next_cursor": None}))

    run(["projects", "list"])

    assert "\x1b" not in capsys.readouterr().out


def _leaves(command: Any, *words: str) -> list[list[str]]:
    """Return the words of each command at or below one, however deep its groups are."""
    below = getattr(command, "commands", {})
    found = [leaf for name, sub in below.items() for leaf in _leaves(sub, *words, name)]
    return found or [list(words)]


@pytest.mark.parametrize("name", COMMANDS)
def test_command_has_help_with_examples(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    for words in _leaves(load(name), name):
        assert run([*words, "--help"]) == 0
        told = capsys.readouterr().out
        assert "Examples:" in told, f"{' '.join(words)} shows no example"
        assert ("--json" in told) == (name not in PROCESSES)


@pytest.mark.parametrize("name", sorted(PROCESSES))
def test_command_that_becomes_a_process_refuses_json(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    became: list[str] = []
    monkeypatch.setattr(os, "execv", lambda _, words: became.extend(words))

    assert run([name, "--json"]) == 2

    assert "--json" in json.loads(capsys.readouterr().err)["error"]["message"]
    assert became == []


# What reads a command line. Whatever else `--help` imported would make it slow.
HELPS = {"typer", "click", "shellingham", "annotated_doc", "typing_extensions"}
SLOW = {"asyncio", "concurrent", "email", "http", "logging", "multiprocessing", "sqlite3", "ssl"}
PRINT_IMPORTS = """
import sys
before = set(sys.modules)
from tidemill.cli.main import run
run(["--help"])
print(*sorted(set(sys.modules) - before))
"""


def test_help_is_quick_since_it_imports_no_command_and_little_else() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PRINT_IMPORTS], check=True, capture_output=True, text=True
    )

    imported = done.stdout.splitlines()[-1].split()
    roots = {name.partition(".")[0] for name in imported}
    assert roots - sys.stdlib_module_names <= {"tidemill", *HELPS}
    assert not roots & SLOW
    assert [name for name in imported if name.startswith("tidemill.") and ".cli" not in name] == []
    assert [name for name in imported if name.startswith("tidemill.cli.commands.")] == []
