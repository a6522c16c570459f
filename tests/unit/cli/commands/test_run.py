from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.fixtures.answers import Answer, Answers
from tidemill.cli.commands.run import arguments
from tidemill.cli.main import run

JOB = {"id": "j1", "state": "queued"}
EVENT_STREAM = {"Content-Type": "text/event-stream"}
LOG = (b'id: 3\nevent: log\ndata: {"text":"one\\n"}\n\n', b"event: end\ndata: {}\n\n")


def _prepare(server: Answers, **result: object) -> None:
    server.prepare("POST", "/api/v1/jobs", Answer(status=201, body=JOB))
    server.prepare("GET", "/api/v1/jobs/j1/logs", Answer(headers=EVENT_STREAM, chunks=LOG))
    server.prepare(
        "GET",
        "/api/v1/jobs/j1/result",
        Answer(status=202, body=JOB),
        Answer(body={"id": "j1", **result}),
    )


def test_run_prints_log_and_result(server: Answers, capsys: pytest.CaptureFixture[str]) -> None:
    _prepare(server, state="succeeded", result={"tides": 2})

    code = run(["run", "harbour/tides", "--arg", "days=3", "--arg", "port=Cuxhaven"])

    assert code == 0
    assert capsys.readouterr().out == 'one\n{\n  "tides": 2\n}\n'
    assert server.asked[0].body == {
        "script_path": "harbour/tides",
        "args": {"days": 3, "port": "Cuxhaven"},
    }


def test_run_says_how_a_number_is_written_that_is_meant_as_text(
    server: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    refused = {
        "message": 'args.pier: 5 is not of type "string", such as "text".',
        "type": "rule_violation_error",
        "code": "ARGUMENTS_INVALID",
        "param": "args.pier",
    }
    server.prepare("POST", "/api/v1/jobs", Answer(status=422, body={"error": refused}))

    assert run(["run", "harbour/tides", "--arg", "pier=5"]) == 1

    assert """As text: --arg 'pier="5"'""" in capsys.readouterr().err


def test_run_says_how_far_the_job_is_kept_apart(server: Answers) -> None:
    _prepare(server, state="succeeded", result=None)

    assert run(["run", "harbour/tides", "--isolation", "warm"]) == 0

    assert server.asked[0].body == {"script_path": "harbour/tides", "args": {}, "isolation": "warm"}


@pytest.mark.parametrize("state", ["succeeded", "failed"])
def test_run_prints_a_document_a_line_with_json_and_the_outcome_last(
    server: Answers, capsys: pytest.CaptureFixture[str], state: str
) -> None:
    _prepare(server, state=state, result={"tides": 2}, error=None)

    run(["run", "harbour/tides", "--json"])

    *log, outcome = map(json.loads, capsys.readouterr().out.splitlines())
    assert [line["text"] for line in log] == ["one"]
    assert (outcome["id"], outcome["state"], outcome["result"]) == ("j1", state, {"tides": 2})


@pytest.mark.parametrize(
    ("result", "code"),
    [
        ({"state": "failed", "error": {"type": "ValueError", "message": "no"}}, 1),
        (
            {
                "state": "failed",
                "error": {"type": "ExitCode", "message": "bash ended with exit code 7."},
            },
            7,
        ),
        (
            {
                "state": "failed",
                "error": {"type": "SystemExit", "message": "The script left by sys.exit(4)."},
            },
            4,
        ),
        (
            {
                "state": "failed",
                "error": {
                    "type": "SystemExit",
                    "message": "The script left by sys.exit('sys.exit(4)').",
                },
            },
            1,
        ),
        ({"state": "timed_out", "error": {"message": "too long"}}, 124),
        ({"state": "cancelled", "error": None}, 125),
    ],
)
def test_run_exits_as_the_job_did(server: Answers, result: dict[str, object], code: int) -> None:
    _prepare(server, **result)

    assert run(["run", "harbour/tides"]) == code


def test_run_shows_the_traceback_of_a_script(
    server: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    error = {"type": "ValueError", "message": "no tide", "traceback": "line 3, in main"}
    _prepare(server, state="failed", error=error)

    run(["run", "harbour/tides"])

    assert "line 3, in main\nfailed: ValueError: no tide" in capsys.readouterr().err


def test_run_sends_a_file_as_inline_code_for_an_item(server: Answers, tmp_path: Path) -> None:
    script = tmp_path / "tides.py"
    script.write_text("def main(): ...\n")
    server.prepare("GET", "/api/v1/work-items/TM-1", Answer(body={"id": "w1"}))
    _prepare(server, state="succeeded", result=None)

    run(["run", str(script), "--item", "TM-1", "--json"])

    posted = next(asked.body for asked in server.asked if asked.method == "POST")
    assert posted == {
        "language": "python",
        "content": "def main(): ...\n",
        "args": {},
        "work_item_id": "w1",
    }


@pytest.mark.parametrize(
    ("name", "language"), [("level.sql", "sql"), ("read.ts", "typescript"), ("ask.http", "http")]
)
def test_run_knows_the_language_of_a_file_by_its_suffix(
    server: Answers, tmp_path: Path, name: str, language: str
) -> None:
    script = tmp_path / name
    script.write_text("x")
    _prepare(server, state="succeeded", result=None)

    run(["run", str(script)])

    assert server.asked[0].body == {"language": language, "content": "x", "args": {}}


@pytest.mark.parametrize(
    ("state", "finished", "told"),
    [("cancelled", True, "j1 is cancelled."), ("running", False, "j1 was running and is being")],
)
def test_cancel_says_that_a_running_job_has_yet_to_stop(
    server: Answers, capsys: pytest.CaptureFixture[str], state: str, finished: bool, told: str
) -> None:
    finished_at = "2026-11-21T12:00:00Z" if finished else None
    body = {"id": "j1", "state": state, "finished_at": finished_at}
    server.prepare("POST", "/api/v1/jobs/j1/cancel", Answer(body=body))

    assert run(["jobs", "cancel", "j1"]) == 0

    assert capsys.readouterr().out.startswith(told)


def test_run_comes_back_to_a_broken_log_where_it_was(
    server: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    _prepare(server, state="succeeded", result=None)
    cut = Answer(headers={**EVENT_STREAM, "Content-Length": "500"}, chunks=LOG[:1])
    rest = Answer(headers=EVENT_STREAM, chunks=(LOG[0].replace(b"one", b"two"), LOG[1]))
    server.prepare("GET", "/api/v1/jobs/j1/logs", cut, rest)
    server.prepare("GET", "/api/v1/jobs/j1", Answer(body={"id": "j1", "state": "running"}))

    assert run(["run", "harbour/tides"]) == 0

    assert capsys.readouterr().out == "one\ntwo\n"
    again = [asked for asked in server.asked if asked.path.endswith("/logs")][1]
    assert again.headers["last-event-id"] == "3"


def test_run_detached_prints_the_id(server: Answers, capsys: pytest.CaptureFixture[str]) -> None:
    _prepare(server, state="succeeded")

    assert run(["run", "harbour/tides", "--detach"]) == 0

    assert capsys.readouterr().out == "j1\n"


def test_run_starts_a_function_by_its_name(server: Answers) -> None:
    _prepare(server, state="succeeded")

    assert run(["run", "shop.tasks:charge", "--priority", "0", "--detach"]) == 0

    assert server.asked[0].body == {"function": "shop.tasks:charge", "args": {}, "priority": 0}


def test_arguments_joins_the_whole_and_the_single_ones() -> None:
    whole = json.dumps({"days": 1, "port": "Husum"})

    assert arguments(["days=2", "note=a=b", "raw={x"], whole) == {
        "days": 2,
        "port": "Husum",
        "note": "a=b",
        "raw": "{x",
    }


def test_run_sends_limits(
    server: Answers, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    _prepare(server, state="succeeded", result=None)
    file = tmp_path / "limits.json"
    file.write_text('{"ttl_seconds": 60}')

    assert run(["run", "harbour/tides", "--unique", "--limits", f"@{file}"]) == 0

    assert server.asked[0].body["limits"] == {"ttl_seconds": 60, "unique": {}}
    capsys.readouterr()
    assert run(["run", "harbour/tides", "--limits", "[1]"]) == 2
    assert "--limits must be a JSON object" in capsys.readouterr().err


def test_run_sends_how_often_it_is_tried(server: Answers) -> None:
    _prepare(server, state="succeeded", result=None)

    run(["run", "harbour/tides", "--attempts", "5"])

    assert server.asked[0].body["attempts_max"] == 5


@pytest.mark.parametrize("there", [True, False])
def test_run_of_a_file_without_a_known_suffix_names_those_that_are(
    server: Answers,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    there: bool,
) -> None:
    monkeypatch.chdir(tmp_path)
    if there:
        Path("tides.rb").write_text("puts 1")
    error = {"message": "There is no script 'tides.rb'.", "code": "SCRIPT_NOT_FOUND"}
    server.prepare("POST", "/api/v1/jobs", Answer(status=404, body={"error": error}))

    assert run(["run", "tides.rb"]) == 4

    assert (".py, .sh, " in capsys.readouterr().err) is there


def test_run_says_that_another_attempt_begins_and_why(
    server: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    _prepare(server, state="succeeded", result=None)
    log = (
        b'id: 1:7\nevent: log\ndata: {"text":"step 0\\n","execution":1}\n\n',
        b'id: 2:7\nevent: log\ndata: {"text":"step 0\\n","execution":2}\n\n',
        b"event: end\ndata: {}\n\n",
    )
    server.prepare("GET", "/api/v1/jobs/j1/logs", Answer(headers=EVENT_STREAM, chunks=log))
    attempts = [
        {"attempt": 1, "execution": 1, "outcome": "lost", "error": None},
        {"attempt": 2, "execution": 2, "outcome": "running", "error": None},
    ]
    page = {"items": attempts, "next_cursor": None}
    server.prepare("GET", "/api/v1/jobs/j1/attempts", Answer(body=page))

    assert run(["run", "harbour/tides"]) == 0

    told = capsys.readouterr()
    assert told.out == "step 0\nstep 0\n"
    assert "The job begins again, attempt 2, since attempt 1 ended: lost.\n" in told.err
