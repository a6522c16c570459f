from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.fixtures.answers import Answer, Answers
from tidemill.cli.main import run

SCHEDULE: dict[str, Any] = {
    "id": "s1",
    "path": "reports/daily",
    "script_path": "reports/build",
    "args": {},
    "enabled": True,
    "trigger": {"cron": "0 6 * * 1-5", "zone": "Europe/Berlin"},
    "next_at": "2026-11-23T05:00:00Z",
    "days": {"calendar": "every-day"},
    "due_argument": "due",
    "attempts_max": 3,
    "jitter_seconds": 40,
    "on_success": None,
    "on_failure": {"script_path": "tell/ops", "function": None, "args": {"room": 7}},
    "on_recovery": {"script_path": None, "function": "shop:told", "args": {}},
    "owner_id": "u1",
}
DUE = "2026-11-23 06:00:00 Europe/Berlin"


def test_create_sends_an_interval_of_nothing_for_the_server_to_refuse(server: Answers) -> None:
    server.prepare("POST", "/api/v1/schedules", Answer(status=422, body={}))

    run(["schedules", "create", "tides/poll", "tides/read", "--every", "0"])

    assert server.asked[0].body["trigger"] == {"every_seconds": 0}


def test_create_sends_attempts_jitter_and_handlers(server: Answers) -> None:
    server.prepare("POST", "/api/v1/schedules", Answer(status=201, body=SCHEDULE))
    words = ["--due-argument", "due", "--attempts", "0", "--jitter", "40", "--priority", "0"]
    handlers = ["--on-success", "tell/all", "--on-failure", "tell/ops", "--on-recovery", "a:b"]

    run(["schedules", "create", "tides/poll", "tides/read", "--every", "9", *words, *handlers])

    sent = server.asked[0].body
    assert (sent["due_argument"], sent["attempts_max"], sent["jitter_seconds"]) == ("due", 0, 40)
    assert sent["priority"] == 0
    assert sent["on_success"] == {"script_path": "tell/all"}
    assert sent["on_failure"] == {"script_path": "tell/ops"}
    assert sent["on_recovery"] == {"function": "a:b"}


def test_create_on_a_path_that_is_taken_says_how_to_change_what_is_there(
    server: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    error = {"message": "Change that one.", "code": "SCHEDULE_PATH_TAKEN", "param": "path"}
    server.prepare("POST", "/api/v1/schedules", Answer(status=409, body={"error": error}))

    assert run(["schedules", "create", "tides/poll", "tides/read", "--every", "9"]) == 5

    told = capsys.readouterr().err
    assert "`tidemill schedules export` prints, and `import` that" in told


@pytest.mark.parametrize(
    ("words", "url", "answer"),
    [
        (["preview"], "preview", {"due_at": ["2026-11-23T05:00:00Z"]}),
        (["occurrences"], "occurrences", {"items": [{"due_at": "2026-11-23T05:00:00Z"}]}),
    ],
)
def test_times_of_a_schedule_are_told_in_its_zone(
    server: Answers,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    url: str,
    answer: dict[str, Any],
) -> None:
    server.prepare("GET", "/api/v1/schedules", Answer(body={"items": [SCHEDULE]}))
    server.prepare("GET", f"/api/v1/schedules/s1/{url}", Answer(body=answer))

    assert run(["schedules", "list"]) == 0
    assert run(["schedules", *words, "reports/daily"]) == 0

    listed, told = capsys.readouterr().out.split("DUE")
    assert DUE in listed
    assert DUE in told


def test_preview_tells_the_times_of_a_schedule_that_is_not_made_and_where_the_clock_changes(
    server: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    dues = ["2031-03-29T01:30:00Z", "2031-03-30T01:00:00Z", "2031-03-31T00:30:00Z"]
    server.prepare("POST", "/api/v1/schedules/preview", Answer(body={"due_at": dues}))

    assert run(["schedules", "preview", "--cron", "30 2 * * *", "--zone", "Europe/Berlin"]) == 0

    trigger = {"cron": "30 2 * * *", "zone": "Europe/Berlin"}
    assert server.asked[0].body == {"trigger": trigger, "count": 10}
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "DUE CLOCK",
        "2031-03-29 02:30:00 Europe/Berlin",
        "2031-03-30 03:00:00 Europe/Berlin set forward by 60 min before this one",
        "2031-03-31 02:30:00 Europe/Berlin",
    ]


@pytest.mark.parametrize(
    "words", [[], ["reports/daily", "--cron", "@daily"], ["--cron", "@daily", "-n", "201"]]
)
def test_preview_wants_a_schedule_or_what_one_would_say(server: Answers, words: list[str]) -> None:
    assert run(["schedules", "preview", *words]) == 2
    assert server.asked == []


def test_show_tells_handlers_attempts_and_the_owner_by_e_mail(
    server: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    server.prepare("GET", "/api/v1/schedules", Answer(body={"items": [SCHEDULE]}))
    server.prepare("GET", "/api/v1/members/u1", Answer(body={"email": "ada@example.org"}))

    assert run(["schedules", "show", "reports/daily"]) == 0

    told = dict(line.split("  ", 1) for line in capsys.readouterr().out.splitlines())
    shown = {heading: text.strip() for heading, text in told.items()}
    assert shown["DUE ARGUMENT"] == "due"
    assert shown["ATTEMPTS"] == "3"
    assert shown["JITTER"] == "40 s"
    assert shown["ON FAILURE"] == 'tell/ops {"room": 7}'
    assert shown["ON RECOVERY"] == "shop:told"
    assert shown["OWNER"] == "ada@example.org"


def test_show_tells_the_owner_by_id_to_whoever_may_not_read_members(
    server: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    server.prepare("GET", "/api/v1/schedules", Answer(body={"items": [SCHEDULE]}))

    assert run(["schedules", "show", "reports/daily"]) == 0

    assert "u1" in capsys.readouterr().out


def test_create_takes_arguments_one_by_one(
    server: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    made = Answer(status=201, body={**SCHEDULE, "next_at": None})
    server.prepare("POST", "/api/v1/schedules", made)
    words = ["--every", "9", "--args", '{"days": 1, "port": "a"}', "--arg", "days=2"]

    assert run(["schedules", "create", "tides/poll", "tides/read", *words]) == 0

    assert server.asked[0].body["args"] == {"days": 2, "port": "a"}
    assert capsys.readouterr().out == "Made reports/daily.\n"


def test_pause_lets_all_rest_that_were_saved_with_ones_rights_since_then(
    server: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    server.prepare("GET", "/api/v1/auth/me", Answer(body={"user": {"id": "u1"}}))
    server.prepare("GET", "/api/v1/schedules", Answer(body={"items": [SCHEDULE]}))
    server.prepare("POST", "/api/v1/schedules/s1/pause", Answer(body=SCHEDULE))
    since = "2026-11-20T06:00:00Z"

    assert run(["schedules", "pause", "--owner", "me", "--since", since]) == 0

    listed = next(one.path for one in server.asked if one.path.startswith("/api/v1/schedules?"))
    assert "owner_id=u1" in listed
    assert "updated_since=2026-11-20T06" in listed
    assert "reports/daily" in capsys.readouterr().out


def test_list_names_the_schedule_that_one_without_a_trigger_runs_after(
    server: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    follows = {**SCHEDULE, "trigger": {}, "after": [{"path": "imports/nightly"}]}
    server.prepare("GET", "/api/v1/schedules", Answer(body={"items": [follows]}))

    assert run(["schedules", "list"]) == 0

    assert "after imports/nightly" in capsys.readouterr().out


def test_pause_takes_how_long_it_lasts(server: Answers) -> None:
    server.prepare("GET", "/api/v1/schedules", Answer(body={"items": [SCHEDULE]}))
    server.prepare("POST", "/api/v1/schedules/s1/pause", Answer(body=SCHEDULE))

    assert run(["schedules", "pause", "reports/daily", "--until", "2h"]) == 0

    body = server.asked[-1].body
    assert isinstance(body, dict)
    assert datetime.fromisoformat(body["until"]) > datetime.now(UTC) + timedelta(minutes=110)


@pytest.mark.parametrize("words", [[], ["--owner", "me"], ["reports/daily", "--since", "3d"]])
def test_pause_wants_a_schedule_or_both_filters(server: Answers, words: list[str]) -> None:
    assert run(["schedules", "pause", *words]) == 2

    assert server.asked == []
