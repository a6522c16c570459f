"""`tidemill schedules`."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer

from tidemill.cli import completing
from tidemill.cli.client import API, Client, connect, segment
from tidemill.cli.commands import schedule_files
from tidemill.cli.commands.run import Tag, arguments
from tidemill.cli.failures import AnsweredWithError, CommandFailed, ExitCode
from tidemill.cli.http import Request
from tidemill.cli.lazy import group
from tidemill.cli.options import (
    AffinityKey,
    All,
    Attempts,
    Limit,
    Requires,
    limit_of,
    requirements_of,
)
from tidemill.cli.output import Column, emit, emit_rows, fields, when
from tidemill.cli.people import member_id_of, name_of
from tidemill.cli.schedule_tables import (
    COLUMNS,
    FIELDS,
    changes_of_clock,
    next_of,
    state_of,
    zone_of,
)
from tidemill.cli.times import instant_ahead, instant_of

app = group("Start scripts at their times, or after each other.")

Schedule = Annotated[str, typer.Argument(help="The schedule's path, or its id.")]
Argument = Annotated[
    list[str] | None,
    typer.Option("--arg", "-a", metavar="NAME=VALUE", help="JSON, else text; @FILE is its text."),
]
MaybeSchedule = Annotated[str | None, typer.Argument(help="The schedule's path, or its id.")]
Cron = Annotated[str | None, typer.Option(help="5 fields, or 6 with seconds first.")]
Every = Annotated[int | None, typer.Option(help="Every so many seconds.")]
At = Annotated[str | None, typer.Option(help="Once, such as 2031-05-05T06:00:00Z.")]
Times = Annotated[list[str] | None, typer.Option(help="A time of day; repeat it.")]
Zone = Annotated[str | None, typer.Option(help="Whose clock counts: Europe/Berlin; else UTC.")]
Calendar = Annotated[str | None, typer.Option(help="weekdays, or one of your own.")]
Owner = Annotated[
    str | None, typer.Option(help="Only those with this member's rights: an address, or me.")
]
Since = Annotated[str | None, typer.Option(help="Only those saved since then, or in the last 3d.")]
Handler = Annotated[
    str | None,
    typer.Option(
        help="A script, or package:function, that hears of it.", autocompletion=completing.scripts
    ),
]
previewed_max: Final = 200


@app.command("list", examples=("tidemill schedules list",))
def list_(
    script: Annotated[
        str | None,
        typer.Option(help="Only those of this script.", autocompletion=completing.scripts),
    ] = None,
    owner: Owner = None,
    since: Since = None,
    limit: Limit = 50,
    all_: All = False,
) -> None:
    """List the schedules of the tenant."""
    client = connect()
    wanted = {"script_path": script, **_saved(client, owner, since)}
    rows = list(client.pages("/schedules", limit=limit_of(limit, all_), **wanted))
    emit_rows(rows, COLUMNS, "No schedules yet. See: tidemill schedules create --help")


@app.command(examples=("tidemill schedules show reports/daily",))
def show(schedule: Schedule) -> None:
    """Show one schedule."""
    client = connect()
    found = _found(client, schedule)
    emit(found, lambda: fields({**found, "owner": name_of(client, found["owner_id"])}, FIELDS))


@app.command(
    examples=(
        "tidemill schedules create reports/daily reports/build --cron '0 6 * * 1-5'",
        "tidemill schedules create lunch remind --times 11:45 --zone Europe/Berlin",
        "tidemill schedules create tides/poll tides/read --every 300 --arg days=1",
        "tidemill schedules create reports/send reports/mail --after reports/daily",
        "tidemill schedules create tides/poll tides/read --every 300 --on-failure tell/ops",
    )
)
def create(  # noqa: PLR0913, PLR0917 - one for each field
    path: Annotated[str, typer.Argument(help="The schedule's path, such as reports/daily.")],
    script: Annotated[
        str,
        typer.Argument(
            help="What it starts: a script, or package:function.",
            autocompletion=completing.scripts,
        ),
    ],
    cron: Cron = None,
    every: Every = None,
    at: At = None,
    times: Times = None,
    zone: Zone = None,
    calendar: Calendar = None,
    after: Annotated[list[str] | None, typer.Option(help="A schedule to run after.")] = None,
    arg: Argument = None,
    args: Annotated[str | None, typer.Option(help="All arguments as one JSON object.")] = None,
    overlap: Annotated[
        str | None, typer.Option(help="skip, allow, queue_one, queue_all, cancel_running.")
    ] = None,
    missed: Annotated[str | None, typer.Option(help="last, skip or all.")] = None,
    due_argument: Annotated[
        str | None, typer.Option(help="The argument that is given the due time.")
    ] = None,
    tag: Tag = None,
    priority: Annotated[int | None, typer.Option(help="Higher starts sooner.")] = None,
    attempts: Attempts = None,
    jitter: Annotated[int | None, typer.Option(help="Up to so many seconds later.")] = None,
    on_success: Handler = None,
    on_failure: Handler = None,
    on_recovery: Handler = None,
    requires: Requires = None,
    affinity_key: AffinityKey = None,
) -> None:
    """Make a schedule. What it can do besides is in the guide; `import` takes all of it."""
    body: dict[str, Any] = {
        "path": path,
        **_target(script),
        "args": arguments(arg or [], args),
        **_rhythm(cron=cron, every_seconds=every, at=at, times=times, zone=zone),
        "days": {"calendar": calendar} if calendar else None,
        "after": [{"path": one} for one in after or []],
        "overlap": overlap,
        "missed": missed,
        "due_argument": due_argument,
        "tag": tag,
        "priority": priority,
        "attempts_max": attempts,
        "jitter_seconds": jitter,
        "on_success": on_success and _target(on_success),
        "on_failure": on_failure and _target(on_failure),
        "on_recovery": on_recovery and _target(on_recovery),
        "requires": requirements_of(requires),
        "affinity_key": affinity_key,
    }
    made = _made({name: value for name, value in body.items() if value is not None})
    emit(made, f"Made {made['path']}. {next_of(made)}".rstrip())


@app.command(
    examples=(
        "tidemill schedules preview reports/daily -n 5",
        "tidemill schedules preview --cron '30 2 * * 0' --zone Europe/Berlin",
    )
)
def preview(  # noqa: PLR0913, PLR0917 - one for each thing that says when
    schedule: MaybeSchedule = None,
    cron: Cron = None,
    every: Every = None,
    at: At = None,
    times: Times = None,
    zone: Zone = None,
    calendar: Calendar = None,
    limit: Limit = 10,
) -> None:
    """Show the next due times of a schedule, or of one that is not made yet."""
    if limit > previewed_max:
        raise CommandFailed(f"A preview shows up to {previewed_max} times.", ExitCode.USAGE)
    body = _rhythm(cron=cron, every_seconds=every, at=at, times=times, zone=zone)
    days = {"days": {"calendar": calendar}} if calendar else {}
    if (schedule is None) == (not body and not days):
        told = "Give a schedule, or what one would say: --cron, --every, --at or --times."
        raise CommandFailed(told, ExitCode.USAGE)
    client = connect()
    if schedule is None:
        found: dict[str, Any] = {"trigger": {"zone": "UTC", **body.get("trigger", {})}, **days}
        dues = client.post("/schedules/preview", {**found, "count": limit})["due_at"]
    else:
        found = _found(client, schedule)
        dues = client.get(f"/schedules/{segment(found['id'])}/preview", count=limit)["due_at"]
    columns: list[Column] = [("DUE", when("due_at", zone_of(found)))]
    changes = changes_of_clock(dues, zone_of(found))
    if changes:
        columns.append(("CLOCK", lambda row: changes.get(row["due_at"], "")))
    rows = [{"due_at": due} for due in dues]
    emit_rows(rows, columns, "It has no due times of its own to come.")


@app.command(examples=("tidemill schedules occurrences reports/daily --state missed",))
def occurrences(
    schedule: Schedule,
    state: Annotated[str | None, typer.Option(help="pending, started, skipped, …")] = None,
    limit: Limit = 50,
    all_: All = False,
) -> None:
    """List due times and what became of them, the last first."""
    client = connect()
    found = _found(client, schedule)
    url = f"/schedules/{segment(found['id'])}/occurrences"
    rows = list(client.pages(url, limit=limit_of(limit, all_), state=state))
    columns: list[Column] = [
        ("DUE", when("due_at", zone_of(found))),
        ("STATE", "state"),
        ("TIMES", "dues"),
        ("ORIGIN", "origin"),
        ("JOB", "job_id"),
        ("REASON", "reason"),
        ("ID", "id"),
    ]
    emit_rows(rows, columns, "Nothing has come due yet.")


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
    row = _found(client, schedule)
    zone = zone_of(row)
    found = client.post(f"/schedules/{segment(row['id'])}/backfill", body)
    rows = [{"due_at": due} for due in found["due_at"]]
    if yes:
        emit(found, f"{len(rows)} due times start now.")
        return
    emit_rows(rows, [("WOULD START", when("due_at", zone))], "Everything in this range has run.")


@app.command("run-now", examples=("tidemill schedules run-now reports/daily",))
def run_now(schedule: Schedule) -> None:
    """Start a schedule's job now, whatever else runs."""
    client = connect()
    made = client.post(f"/schedules/{_id(client, schedule)}/run-now")
    emit(made, f"It starts. See: tidemill schedules occurrences {schedule} -n 1")


@app.command(
    examples=(
        "tidemill schedules pause reports/daily --until 2031-05-05T06:00:00Z",
        "tidemill schedules pause --owner me --since 3d",
    )
)
def pause(
    schedule: MaybeSchedule = None,
    until: Annotated[
        str | None, typer.Option(help="An instant, or so long: 2h, 3d; else until resumed.")
    ] = None,
    owner: Owner = None,
    since: Since = None,
) -> None:
    """Let a schedule rest; its due times meanwhile are skipped.

    Without a path: all that --owner and --since name, as after a session was stolen.
    """
    client = connect()
    body = {"until": instant_ahead(until)}
    if schedule is not None and (owner or since):
        raise CommandFailed("Give a schedule, or --owner and --since.", ExitCode.USAGE)
    if schedule is not None:
        found = client.post(f"/schedules/{_id(client, schedule)}/pause", body)
        emit(found, lambda: f"{found['path']} is {state_of(found)}.")
        return
    if not owner or not since:
        raise CommandFailed("Give a schedule, or both --owner and --since.", ExitCode.USAGE)
    wanted = client.pages("/schedules", limit=None, **_saved(client, owner, since))
    rows = [client.post(f"/schedules/{segment(one['id'])}/pause", body) for one in list(wanted)]
    emit_rows(rows, COLUMNS, "Nothing was saved since then.")


@app.command(examples=("tidemill schedules resume reports/daily",))
def resume(schedule: Schedule) -> None:
    """End a schedule's rest."""
    client = connect()
    found = client.post(f"/schedules/{_id(client, schedule)}/resume")
    emit(found, f"{found['path']} is {state_of(found)}. {next_of(found)}".rstrip())


@app.command(examples=("tidemill schedules delete reports/daily",))
def delete(schedule: Schedule) -> None:
    """Delete a schedule; what it has started goes on."""
    client = connect()
    client.delete(f"/schedules/{_id(client, schedule)}")
    emit({"schedule": schedule}, f"Deleted {schedule}.")


def _rhythm(**trigger: Any) -> dict[str, Any]:
    """Return the trigger that options say; nothing where they say none."""
    said = {name: value for name, value in trigger.items() if value not in (None, [])}
    return {"trigger": said} if said else {}


def _target(name: str) -> dict[str, str]:
    """Return what `name` starts, as the API takes it: a script, or a function."""
    return {"function" if ":" in name else "script_path": name}


def _made(body: dict[str, Any]) -> dict[str, Any]:
    try:
        return dict(connect().post("/schedules", body))
    except AnsweredWithError as error:
        if error.code == "SCHEDULE_PATH_TAKEN":
            error.message = (
                f"There is a schedule {body['path']} already. To change it, edit what `tidemill "
                "schedules export` prints, and `import` that; else choose another path."
            )
        raise


def _saved(client: Client, owner: str | None, since: str | None) -> dict[str, str | None]:
    return {"owner_id": member_id_of(client, owner), "updated_since": instant_of(since)}


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


schedule_files.add_to(app)
