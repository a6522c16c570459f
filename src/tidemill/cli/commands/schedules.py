"""`tidemill schedules`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from tidemill.cli.client import API, Client, connect, segment
from tidemill.cli.failures import CommandFailed, ExitCode
from tidemill.cli.http import Request
from tidemill.cli.lazy import group
from tidemill.cli.options import All, Limit, limit_of
from tidemill.cli.output import Column, emit, emit_rows, fields, moment, when

app = group("Start scripts at their times, or after each other.")

# What the server adds to a definition, and would not take back.
_STATE: Final = frozenset(
    {
        "id", "paused", "paused_until", "next_at", "failures", "owner_id", "version",
        "created_at", "created_by", "updated_at", "updated_by",
    }
)  # fmt: skip


def _rhythm(row: Any) -> str:
    trigger = row.get("trigger") or {}
    if trigger.get("cron"):
        return f"{trigger['cron']} ({trigger['zone']})"
    if trigger.get("every_seconds"):
        return f"every {trigger['every_seconds']} s"
    if trigger.get("at"):
        return f"at {moment(trigger['at'])}"
    if trigger.get("times"):
        return f"{', '.join(trigger['times'])} ({trigger['zone']})"
    return "with the first it runs after"


def _state(row: Any) -> str:
    if not row.get("enabled"):
        return "off"
    if row.get("paused"):
        until = row.get("paused_until")
        return f"paused until {moment(until)}" if until else "paused"
    return "on"


_COLUMNS: list[Column] = [
    ("PATH", "path"),
    ("WHEN", _rhythm),
    ("STARTS", lambda row: row.get("script_path") or row.get("function")),
    ("STATE", _state),
    ("NEXT", when("next_at")),
    ("FAILURES", "failures"),
]
_FIELDS: list[Column] = [
    *_COLUMNS,
    ("ARGUMENTS", lambda row: json.dumps(row.get("args"), ensure_ascii=False)),
    ("AFTER", lambda row: [f"{one['path']} ({one['on']})" for one in row.get("after", [])]),
    ("OVERLAP", "overlap"),
    ("MISSED", "missed"),
    ("DAYS", lambda row: row["days"]["calendar"]),
    ("DESCRIPTION", "description"),
    ("VERSION", "version"),
    ("ID", "id"),
]
_OCCURRENCES: list[Column] = [
    ("DUE", when("due_at")),
    ("STATE", "state"),
    ("TIMES", "dues"),
    ("ORIGIN", "origin"),
    ("JOB", "job_id"),
    ("REASON", "reason"),
    ("ID", "id"),
]

Schedule = Annotated[str, typer.Argument(help="The schedule's path, or its id.")]


@app.command("list", examples=("tidemill schedules list",))
def list_(
    script: Annotated[str | None, typer.Option(help="Only those of this script.")] = None,
    limit: Limit = 50,
    all_: All = False,
) -> None:
    """List the schedules of the tenant."""
    rows = list(connect().pages("/schedules", limit=limit_of(limit, all_), script_path=script))
    emit_rows(rows, _COLUMNS, "No schedules yet. See: tidemill schedules create --help")


@app.command(examples=("tidemill schedules show reports/daily",))
def show(schedule: Schedule) -> None:
    """Show one schedule."""
    found = _found(connect(), schedule)
    emit(found, lambda: fields(found, _FIELDS))


@app.command(
    examples=(
        "tidemill schedules create reports/daily reports/build --cron '0 6 * * 1-5'",
        "tidemill schedules create lunch remind --times 11:45 --zone Europe/Berlin",
        "tidemill schedules create tides/poll tides/read --every 300 --args '{\"days\": 1}'",
        "tidemill schedules create reports/send reports/mail --after reports/daily",
    )
)
def create(  # noqa: PLR0913, PLR0917 - one for each field
    path: Annotated[str, typer.Argument(help="The schedule's path, such as reports/daily.")],
    script: Annotated[str, typer.Argument(help="What it starts: a script, or package:function.")],
    cron: Annotated[str | None, typer.Option(help="5 fields, or 6 with seconds first.")] = None,
    every: Annotated[int | None, typer.Option(help="Every so many seconds.")] = None,
    at: Annotated[str | None, typer.Option(help="Once, such as 2031-05-05T06:00:00Z.")] = None,
    times: Annotated[list[str] | None, typer.Option(help="A time of day; repeat it.")] = None,
    zone: Annotated[str, typer.Option(help="Whose clock counts, e.g. Europe/Berlin.")] = "UTC",
    calendar: Annotated[str | None, typer.Option(help="weekdays, or one of your own.")] = None,
    after: Annotated[list[str] | None, typer.Option(help="A schedule to run after.")] = None,
    args: Annotated[str, typer.Option(help="Arguments as JSON.")] = "{}",
    overlap: Annotated[
        str | None, typer.Option(help="skip, allow, queue_one, queue_all, cancel_running.")
    ] = None,
    missed: Annotated[str | None, typer.Option(help="last, skip or all.")] = None,
) -> None:
    """Make a schedule. What it can do besides is in the guide; `import` takes all of it."""
    trigger = {"cron": cron, "every_seconds": every, "at": at, "times": times, "zone": zone}
    body: dict[str, Any] = {
        "path": path,
        "function" if ":" in script else "script_path": script,
        "args": _object(args),
        "trigger": {name: value for name, value in trigger.items() if value},
        "days": {"calendar": calendar} if calendar else None,
        "after": [{"path": one} for one in after or []],
        "overlap": overlap,
        "missed": missed,
    }
    made = connect().post("/schedules", {name: v for name, v in body.items() if v is not None})
    emit(made, lambda: f"Made {made['path']}. {_next(made)}")


@app.command(examples=("tidemill schedules preview reports/daily -n 5",))
def preview(schedule: Schedule, limit: Limit = 10) -> None:
    """Show the next due times of a schedule."""
    client = connect()
    url = f"/schedules/{_id(client, schedule)}/preview"
    rows = [{"due_at": due} for due in client.get(url, count=min(limit, 200))["due_at"]]
    emit_rows(rows, [("DUE", when("due_at"))], "It has no due times of its own to come.")


@app.command(examples=("tidemill schedules occurrences reports/daily --state missed",))
def occurrences(
    schedule: Schedule,
    state: Annotated[str | None, typer.Option(help="pending, started, skipped, …")] = None,
    limit: Limit = 50,
    all_: All = False,
) -> None:
    """List due times and what became of them, the last first."""
    client = connect()
    url = f"/schedules/{_id(client, schedule)}/occurrences"
    rows = list(client.pages(url, limit=limit_of(limit, all_), state=state))
    emit_rows(rows, _OCCURRENCES, "Nothing has come due yet.")


@app.command(
    examples=(
        "tidemill schedules backfill reports/daily 2031-05-01T00:00:00Z 2031-05-05T00:00:00Z",
        "tidemill schedules backfill reports/daily 2031-05-01T00:00:00Z 2031-05-05T00:00:00Z --yes",
    )
)
def backfill(
    schedule: Schedule,
    since: Annotated[str, typer.Argument(help="The first instant, with a zone.")],
    until: Annotated[str, typer.Argument(help="The last instant, with a zone.")],
    failed: Annotated[bool, typer.Option(help="Run those again that have failed.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Start them; else they are shown.")] = False,
) -> None:
    """Start what has not run in a range of the past; without --yes, show what would start."""
    client = connect()
    body = {"since": since, "until": until, "failed": failed, "preview": not yes}
    found = client.post(f"/schedules/{_id(client, schedule)}/backfill", body)
    rows = [{"due_at": due} for due in found["due_at"]]
    if yes:
        emit(found, f"{len(rows)} due times start now.")
        return
    emit_rows(rows, [("WOULD START", when("due_at"))], "Everything in this range has run.")


@app.command("run-now", examples=("tidemill schedules run-now reports/daily",))
def run_now(schedule: Schedule) -> None:
    """Start a schedule's job now, whatever else runs."""
    client = connect()
    made = client.post(f"/schedules/{_id(client, schedule)}/run-now")
    emit(made, f"It starts. See: tidemill schedules occurrences {schedule} -n 1")


@app.command(examples=("tidemill schedules pause reports/daily --until 2031-05-05T06:00:00Z",))
def pause(
    schedule: Schedule,
    until: Annotated[str | None, typer.Option(help="An instant; else until resumed.")] = None,
) -> None:
    """Let a schedule rest; its due times meanwhile are skipped."""
    client = connect()
    found = client.post(f"/schedules/{_id(client, schedule)}/pause", {"until": until})
    emit(found, lambda: f"{found['path']} is {_state(found)}.")


@app.command(examples=("tidemill schedules resume reports/daily",))
def resume(schedule: Schedule) -> None:
    """End a schedule's rest."""
    client = connect()
    found = client.post(f"/schedules/{_id(client, schedule)}/resume")
    emit(found, lambda: f"{found['path']} is {_state(found)}. {_next(found)}")


@app.command(examples=("tidemill schedules delete reports/daily",))
def delete(schedule: Schedule) -> None:
    """Delete a schedule; what it has started goes on."""
    client = connect()
    client.delete(f"/schedules/{_id(client, schedule)}")
    emit({"schedule": schedule}, f"Deleted {schedule}.")


@app.command("export", examples=("tidemill schedules export > schedules.json",))
def export() -> None:
    """Print all schedules as JSON, for `import`."""
    rows = [
        {name: value for name, value in row.items() if name not in _STATE}
        for row in connect().pages("/schedules", limit=None)
    ]
    emit(rows, lambda: json.dumps(rows, indent=2, ensure_ascii=False))


@app.command("import", examples=("tidemill schedules import schedules.json",))
def import_(
    file: Annotated[Path, typer.Argument(help="JSON: a list of schedules with their paths.")],
) -> None:
    """Make or replace schedules as a file says; others stay."""
    client = connect()
    rows = _read(file)
    known = {row["path"]: row["id"] for row in client.pages("/schedules", limit=None)}
    done = []
    for row in _in_order(rows):
        id_ = known.get(row["path"])
        if id_ is None:
            done.append(client.post("/schedules", row))
        else:
            body = {name: value for name, value in row.items() if name != "path"}
            done.append(client.put(f"/schedules/{id_}", body))
    emit(done, f"{len(done)} schedules are as {file} says.")


def _in_order(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return `rows` so that each comes after those that it runs after."""
    left, ordered = list(rows), []
    while left:
        waiting = {row["path"] for row in left}
        ready = [
            row
            for row in left
            if not waiting & {one["path"] for one in row.get("after", [])} - {row["path"]}
        ]
        # A cycle has no order; the server says which one it is.
        ordered += ready or left
        left = [row for row in left if row not in ready] if ready else []
    return ordered


def _read(file: Path) -> list[dict[str, Any]]:
    try:
        rows = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CommandFailed(f"{file} cannot be read: {error}.", ExitCode.USAGE) from error
    if not isinstance(rows, list) or not all(
        isinstance(row, dict) and isinstance(row.get("path"), str) for row in rows
    ):
        raise CommandFailed(f"{file} holds no list of schedules with paths.", ExitCode.USAGE)
    return rows


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise CommandFailed(f"--args is no JSON: {error}.", ExitCode.USAGE) from error
    if not isinstance(value, dict):
        raise CommandFailed("--args is a JSON object, such as '{\"n\": 1}'.", ExitCode.USAGE)
    return value


def _found(client: Client, schedule: str) -> dict[str, Any]:
    """Return the schedule at a path or with an id."""
    wanted = Request("GET", f"{API}/schedules", query={"path": schedule.strip("/"), "limit": 1})
    rows = client.ask(wanted).json()["items"]
    if not rows and "/" in schedule:  # No id looks like that.
        raise CommandFailed(
            f"There is no schedule {schedule}. See: tidemill schedules list",
            ExitCode.NOT_FOUND,
            code="SCHEDULE_NOT_FOUND",
        )
    return dict(rows[0] if rows else client.get(f"/schedules/{segment(schedule)}"))


def _id(client: Client, schedule: str) -> str:
    return segment(str(_found(client, schedule)["id"]))


def _next(row: dict[str, Any]) -> str:
    return f"It is due next at {moment(row['next_at'])}." if row.get("next_at") else ""
