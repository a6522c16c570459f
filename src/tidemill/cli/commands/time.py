"""`tidemill time`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any

import typer

from tidemill.cli.client import Client, connect, segment
from tidemill.cli.failures import CommandFailed, ExitCode
from tidemill.cli.lazy import group
from tidemill.cli.options import All, Limit, limit_of
from tidemill.cli.output import Column, emit, emit_rows, note, when
from tidemill.cli.times import duration, second_of, seconds_of

app = group("Track time on work items, by timers and by hand; report it.")

Item = Annotated[str, typer.Argument(help="The item's key, such as TM-1, or its id.")]
Entry = Annotated[str, typer.Argument(help="The entry's id.")]
Words = Annotated[str | None, typer.Option("--description", "-d", help="What was done.")]
ItemOption = Annotated[str | None, typer.Option("--item", help="Only this item.")]
ProjectOption = Annotated[str | None, typer.Option("--project", "-p", help="Only this project.")]
UserOption = Annotated[str | None, typer.Option("--user", help="Only this member, or `me`.")]
Csv = Annotated[bool, typer.Option("--csv", help="Print CSV with all of it.")]


def _spent(row: Mapping[str, Any]) -> str:
    seconds = row.get("duration_seconds")
    return "running" if seconds is None else duration(seconds)


def _user(row: Mapping[str, Any]) -> str:
    user = row.get("user") or {}
    return str(user.get("name") or user.get("id") or "")


def _item(row: Mapping[str, Any]) -> str:
    return str((row.get("work_item") or {}).get("key", ""))


def _begin(row: Mapping[str, Any]) -> str:
    return str(row["date"]) if row.get("date") else when("started_at")(row)


_COLUMNS: list[Column] = [
    ("BEGAN", _begin),
    ("TIME", _spent),
    ("ITEM", _item),
    ("WHO", _user),
    ("WHAT", "description"),
    ("ID", "id"),
]


@app.command(examples=('tidemill time start TM-1 -d "Reading the tables"',))
def start(item: Item, description: Words = None) -> None:
    """Start your timer for an item; the one that runs is stopped."""
    begun = connect().post("/timer", _given(work_item_id=item, description=description))
    stopped = begun["stopped_entry"]
    told = f", and stopped that of {_item(stopped)} after {_spent(stopped)}" if stopped else ""
    emit(begun, f"Started the timer of {_item(begun)}{told}.")


@app.command(examples=("tidemill time stop", "tidemill time stop --discard"))
def stop(
    discard: Annotated[bool, typer.Option("--discard", help="Keep nothing of it.")] = False,
) -> None:
    """Stop your timer."""
    client = connect()
    if discard:
        client.delete("/timer")
        emit({"discarded": True}, "Discarded the timer.")
        return
    ended = client.post("/timer/stop")
    _tell_overlaps(ended)
    emit(ended, f"{_spent(ended)} on {_item(ended)}.")


@app.command(examples=("tidemill time status",))
def status() -> None:
    """Show your timer."""
    found = connect().get("/timer")
    entry = found["time_entry"]
    emit(found, f"{_item(entry)} since {_begin(entry)}." if entry else "No timer runs.")


@app.command(
    examples=(
        'tidemill time add TM-1 1h30m -d "Reading the tables"',
        "tidemill time add TM-1 45m --date 2026-03-02",
        "tidemill time add TM-1 2h --from 2026-03-02T09:00",
    )
)
def add(
    item: Item,
    spent: Annotated[str, typer.Argument(metavar="DURATION", help="Such as 45m or 1h30m.")],
    day: Annotated[str | None, typer.Option("--date", help="The day; today by default.")] = None,
    since: Annotated[
        str | None, typer.Option("--from", help="When it began, instead of the day alone.")
    ] = None,
    description: Words = None,
    user: Annotated[str | None, typer.Option(help="Whose it is; for admins.")] = None,
) -> None:
    """Enter time that was spent on an item."""
    if day is not None and since is not None:
        raise CommandFailed("Give --date or --from, and not both.", ExitCode.USAGE)
    body = _given(
        work_item_id=item,
        duration_seconds=seconds_of(spent),
        started_at=second_of(since),
        date=None if since is not None else _day(day),
        description=description,
        user_id=user,
    )
    made = connect().post("/time-entries", body)
    _tell_overlaps(made)
    emit(made, f"{_spent(made)} on {_item(made)}: {made['id']}.")


@app.command(
    "list", examples=("tidemill time list --user me", "tidemill time list -p TM --from 7d --csv")
)
def list_(  # noqa: PLR0913, PLR0917 - one for each filter
    user: UserOption = None,
    item: ItemOption = None,
    project: ProjectOption = None,
    since: Annotated[str | None, typer.Option("--from", help="Begun then or later; 7d.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="Begun before.")] = None,
    csv: Csv = False,
    limit: Limit = 50,
    all_: All = False,
) -> None:
    """List time entries, the last begun first."""
    client = connect()
    query = _given(
        user_id=user,
        work_item_id=item,
        project_id=project,
        **{"from": second_of(since), "to": second_of(until)},
    )
    if csv:
        _print(client, "/time-entries/export", query)
        return
    rows = list(client.pages("/time-entries", limit=limit_of(limit, all_), **query))
    emit_rows(rows, _COLUMNS, "No time was tracked.")


@app.command(
    examples=(
        "tidemill time edit 0192f0c1-7d3e-7000-8000-000000000000 --duration 2h",
        "tidemill time edit 0192f0c1-7d3e-7000-8000-000000000000 --item TM-2 --if-version 3",
    )
)
def edit(  # noqa: PLR0913, PLR0917 - one for each field
    entry: Entry,
    spent: Annotated[str | None, typer.Option("--duration", help="Such as 1h30m.")] = None,
    day: Annotated[str | None, typer.Option("--date", help="Another day.")] = None,
    since: Annotated[str | None, typer.Option("--from", help="When it began.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="When it ended.")] = None,
    item: Annotated[str | None, typer.Option(help="Another item.")] = None,
    description: Annotated[
        str | None, typer.Option("--description", "-d", help="What was done; empty: nothing.")
    ] = None,
    if_version: Annotated[int | None, typer.Option(help="Only when it still has this.")] = None,
) -> None:
    """Change a time entry: what is not named stays."""
    body = _given(
        duration_seconds=seconds_of(spent) if spent is not None else None,
        date=_day(day) if day is not None else None,
        started_at=second_of(since),
        ended_at=second_of(until),
        work_item_id=item,
    )
    if description is not None:
        body["description"] = description or None
    if not body:
        raise CommandFailed("Say what to change, e.g. --duration 2h.", ExitCode.USAGE)
    headers = {"If-Match": f'"v{if_version}"'} if if_version is not None else None
    changed = connect().patch(f"/time-entries/{segment(entry)}", body, headers=headers)
    _tell_overlaps(changed)
    emit(changed, f"{_spent(changed)} on {_item(changed)}, version {changed['version']}.")


@app.command(examples=("tidemill time delete 0192f0c1-7d3e-7000-8000-000000000000",))
def delete(entry: Entry) -> None:
    """Delete a time entry."""
    connect().delete(f"/time-entries/{segment(entry)}")
    emit({"id": entry}, f"Deleted {entry}.")


@app.command(
    examples=(
        "tidemill time report",
        "tidemill time report --by project,week --from 2026-03-01 --to 2026-03-31",
        "tidemill time report --by item --user me --csv",
    )
)
def report(  # noqa: PLR0913, PLR0917 - one for each filter
    by: Annotated[str, typer.Option(help="Some of user, item, project, day, week.")] = "user",
    since: Annotated[
        str | None, typer.Option("--from", help="The first day; the first of the month.")
    ] = None,
    until: Annotated[str | None, typer.Option("--to", help="The last day; today.")] = None,
    zone: Annotated[str | None, typer.Option("--time-zone", help="Whose days; yours.")] = None,
    user: UserOption = None,
    item: ItemOption = None,
    project: ProjectOption = None,
    csv: Csv = False,
) -> None:
    """Sum up tracked time."""
    client = connect()
    query = _given(
        group_by=by,
        time_zone=zone or _own_zone(client),
        user_id=user,
        work_item_id=item,
        project_id=project,
        **{"from": since, "to": until},
    )
    if csv:
        _print(client, "/time-reports/export", query)
        return
    rows = list(client.pages("/time-reports", limit=None, **query))
    columns = [_GROUPS[name] for name in (word.strip() for word in by.split(","))]
    emit_rows(rows, [*columns, ("ENTRIES", "entries"), ("TIME", _sum)], "No time was tracked.")
    if rows:
        note(f"{duration(sum(row['seconds'] for row in rows))} in all.")


_GROUPS: dict[str, Column] = {
    "user": ("WHO", _user),
    "item": ("ITEM", _item),
    "project": ("PROJECT", lambda row: (row.get("project") or {}).get("key")),
    "day": ("DAY", "day"),
    "week": ("WEEK OF", "week"),
}


def _sum(row: Mapping[str, Any]) -> str:
    return duration(row["seconds"])


def _given(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _day(text: str | None) -> str:
    """Return a day as the API takes it; none is today by this machine's clock."""
    if text is None:
        return datetime.now().astimezone().date().isoformat()
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        told = f"{text!r} is no day. Write it as 2026-03-02."
        raise CommandFailed(told, ExitCode.USAGE) from error


def _own_zone(client: Client) -> str | None:
    zone = client.get("/auth/me")["user"].get("time_zone")
    return str(zone) if zone else None


def _tell_overlaps(entry: Mapping[str, Any]) -> None:
    if entry["overlaps"]:
        note(f"It overlaps {len(entry['overlaps'])} other entries of the same person.")


def _print(client: Client, path: str, query: Mapping[str, Any]) -> None:
    with client.stream(path, **query) as response:
        for line in response:
            sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()
