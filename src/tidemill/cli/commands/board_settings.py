"""`tidemill board settings`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import typer

from tidemill.cli.client import Client, connect, segment
from tidemill.cli.failures import CommandFailed, ExitCode
from tidemill.cli.lazy import group
from tidemill.cli.output import Column, emit, fields, table, window_width

settings_app = group("Columns, lanes and limits of boards.")
_ENFORCE: Final = "enforce"
_NONE: Final = "none"
_COLUMNS: Final[list[Column]] = [
    ("COLUMN", lambda row: row["statuses"][0]),
    ("NAME", "name"),
    ("STATUSES", "statuses"),
    ("LIMIT", lambda row: _limit_told(row["limit"])),
]

_limit_help: Final = "a number, 3:enforce to refuse what would exceed it; empty: none"


@settings_app.command(
    "settings",
    examples=(
        "tidemill board settings TM",
        "tidemill board settings TM --column todo --column Doing=in_progress,blocked --column done",
        "tidemill board settings TM --limit in_progress=5:enforce --lane assignee --person-limit 3",
        "tidemill board settings TM --limit in_progress= --lane none",
    ),
)
def settings(  # noqa: PLR0913 - one for each setting
    project: Annotated[str, typer.Argument(help="The project's key or id.")],
    *,
    column: Annotated[
        list[str] | None,
        typer.Option(help="A column: its status, or NAME=STATUS,STATUS; all of them, in order."),
    ] = None,
    no_columns: Annotated[
        bool, typer.Option("--no-columns", help="Let each status be a column.")
    ] = False,
    limit: Annotated[
        list[str] | None,
        typer.Option(help=f"STATUS=N for the column that begins with it: {_limit_help}."),
    ] = None,
    lane: Annotated[
        str | None,
        typer.Option(help="assignee, priority, item_type, parent, epic, sprint, label or none."),
    ] = None,
    lane_limit: Annotated[
        str | None, typer.Option(help=f"For started items of each lane: {_limit_help}.")
    ] = None,
    person_limit: Annotated[
        str | None, typer.Option(help=f"For started items of each person: {_limit_help}.")
    ] = None,
) -> None:
    """Show the columns, lanes and limits of a project's board, or change those that are named.

    What is not named stays, and what somebody else changed meanwhile is not overwritten.
    """
    if column and no_columns:
        raise CommandFailed("Say --column or --no-columns, not both.", ExitCode.USAGE)
    client = connect()
    path = f"/projects/{segment(project)}/board-settings"
    found = client.get(path)
    named = (column, limit, lane, lane_limit, person_limit)
    if not no_columns and all(one is None for one in named):
        emit(found, lambda: _told(found))
        return
    body = {name: found[name] for name in ("columns", "lane_field", "lane_limit", "person_limit")}
    if column or no_columns:
        body["columns"] = _columns(column or (), found["columns"])
    if limit:
        every = body["columns"] or _each_status(client, project)
        body["columns"] = _limited(every, limit)
    if lane is not None:
        body["lane_field"] = None if lane in {_NONE, ""} else lane
        # A limit of lanes means nothing without lanes.
        body["lane_limit"] = body["lane_limit"] if body["lane_field"] else None
    if lane_limit is not None:
        body["lane_limit"] = _limit("--lane-limit", lane_limit)
    if person_limit is not None:
        body["person_limit"] = _limit("--person-limit", person_limit)
    headers = {"If-Match": f'"v{found["version"]}"'}
    changed = client.put(path, body, headers=headers)
    emit(changed, lambda: _told(changed))


def _columns(wanted: Sequence[str], old: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the columns that were said; one that begins as an old one did keeps its limit."""
    limits = {one["statuses"][0]: one["limit"] for one in old}
    columns = []
    for text in wanted:
        name, equals, listed = text.partition("=")
        statuses = [
            one for part in (listed if equals else name).split(",") if (one := part.strip())
        ]
        if not statuses or (equals and not name.strip()):
            raise CommandFailed(
                f"--column takes a status, or Doing=in_progress,blocked; not {text!r}.",
                ExitCode.USAGE,
            )
        columns.append(
            {
                "statuses": statuses,
                "name": name.strip() if equals else None,
                "limit": limits.get(statuses[0]),
            }
        )
    return columns


def _each_status(client: Client, project: str) -> list[dict[str, Any]]:
    workflow = client.get(f"/projects/{segment(project)}/workflow")
    return [
        {"statuses": [status["key"]], "name": None, "limit": None}
        for status in workflow["statuses"]
    ]


def _limited(
    columns: Sequence[Mapping[str, Any]], wanted: Sequence[str]
) -> list[Mapping[str, Any]]:
    limits = {}
    known = [one["statuses"][0] for one in columns]
    for text in wanted:
        status, equals, said = text.partition("=")
        if not equals or status not in known:
            raise CommandFailed(
                f"--limit takes STATUS=N for one of {', '.join(known)}; not {text!r}.",
                ExitCode.USAGE,
            )
        limits[status] = _limit("--limit", said)
    return [{**one, "limit": limits.get(one["statuses"][0], one["limit"])} for one in columns]


def _limit(option: str, text: str) -> dict[str, Any] | None:
    """Return the limit that a text such as `3` or `3:enforce` says; an empty one says none."""
    if not text:
        return None
    count, _, mode = text.partition(":")
    if not (count.isascii() and count.isdigit()):
        raise CommandFailed(
            f"{option} takes a whole number, or one with :{_ENFORCE}; not {text!r}.", ExitCode.USAGE
        )
    return {"items_max": int(count), "mode": mode or "warn"}


def _told(found: Mapping[str, Any]) -> str:
    columns = found["columns"]
    shown = table(columns, _COLUMNS, window_width()) if columns else "Each status is a column."
    rest: list[Column] = [
        ("Lanes", "lane_field"),
        ("Limit of a lane", lambda row: _limit_told(row["lane_limit"])),
        ("Limit of a person", lambda row: _limit_told(row["person_limit"])),
        ("Version", "version"),
    ]
    return f"{shown}\n{fields(found, rest)}"


def _limit_told(limit: Mapping[str, Any] | None) -> str:
    if limit is None:
        return ""
    return f"{limit['items_max']} ({'enforced' if limit['mode'] == _ENFORCE else 'warns'})"
