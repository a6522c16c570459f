"""`tidemill items bulk`: many work items change in one step."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any, Final

import typer

from tidemill.cli.client import Client, connect
from tidemill.cli.commands.fields import values_of
from tidemill.cli.failures import AnsweredWithError, CommandFailed, ExitCode, options_named
from tidemill.cli.lazy import single
from tidemill.cli.output import Column, emit, table, window_width
from tidemill.cli.people import member_id_of
from tidemill.cli.sprint_names import sprint_id_of
from tidemill.cli.times import seconds_of

bulk_app = single()
refused_told_max: Final = 20

_OPTIONS: Final = {"ids": "ITEMS", "filter": "--filter", "project_id": "--project"}
_NAMES: Final = {
    "status": "status",
    "priority": "priority",
    "assignee": "assignee_id",
    "parent": "parent_id",
    "points": "points",
    "estimate": "estimate_seconds",
    "start": "start_date",
    "due": "due_date",
    "sprint": "sprint_id",
}
"""What can be set, and what the API calls it."""
_REFUSED: Final[list[Column]] = [
    ("ITEM", lambda row: row["key"] or row["reference"]),
    ("CODE", lambda row: row["error"]["code"]),
    ("REASON", lambda row: row["error"]["message"]),
]


@bulk_app.command(
    "bulk",
    examples=(
        "tidemill items bulk TM-1 TM-2 --set status=done --add-label harbour",
        "tidemill items bulk --filter 'status:review updated<-7d' -p TM --set assignee= --dry-run",
        "tidemill items bulk --filter 'is:done updated<-90d' --archive --skip-refused",
    ),
)
def bulk(  # noqa: PLR0913 - each parameter is an option
    items: Annotated[list[str] | None, typer.Argument(help="Keys or ids of items.")] = None,
    *,
    filter_: Annotated[
        str | None, typer.Option("--filter", help="What the items fulfil, instead of their keys.")
    ] = None,
    project: Annotated[
        str | None,
        typer.Option("--project", "-p", help="Only its items, by --filter; whose sprint is meant."),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help=f"NAME=VALUE, empty clears: {', '.join(_NAMES)}."),
    ] = None,
    field: Annotated[
        list[str] | None, typer.Option("--field", help="A custom field as key=value; repeat it.")
    ] = None,
    add_label: Annotated[list[str] | None, typer.Option(help="A label to add.")] = None,
    remove_label: Annotated[list[str] | None, typer.Option(help="A label to take off.")] = None,
    archive: Annotated[
        bool | None, typer.Option("--archive/--unarchive", help="Put them away, or take them out.")
    ] = None,
    delete: Annotated[bool, typer.Option("--delete", help="Delete them.")] = False,
    restore: Annotated[bool, typer.Option("--restore", help="Bring deleted ones back.")] = False,
    skip_refused: Annotated[
        bool, typer.Option("--skip-refused", help="Change those that may, report the rest.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check all, write nothing.")] = False,
) -> None:
    """Change many work items in one step: all of them, or none when one is refused."""
    client = connect()
    changes = _changes(client, set_ or [], project)
    lists = {
        "add_labels": add_label,
        "remove_labels": remove_label,
        "custom_fields": values_of(field),
    }
    changes |= {name: given for name, given in lists.items() if given}
    if archive is not None:
        changes["archived"] = archive
    if sum((bool(changes), delete, restore)) != 1:
        told = "Say one: what to change, e.g. --set status=done, or --delete, or --restore."
        raise CommandFailed(told, ExitCode.USAGE)
    action = "delete" if delete else "restore" if restore else "change"
    body: dict[str, Any] = {
        "ids": items or [],
        "filter": filter_,
        "project_id": project if filter_ is not None else None,
        "action": action,
        "changes": changes or None,
        "on_error": "skip" if skip_refused else "refuse_all",
        "dry_run": dry_run,
    }
    with options_named(**_OPTIONS):
        report = _ask(client, body)
    emit(report, lambda: _told(report))
    if report["refused"]:
        raise typer.Exit(ExitCode.FAILED)


def _ask(client: Client, body: dict[str, Any]) -> dict[str, Any]:
    """Return the report, also that of what was refused as a whole."""
    try:
        report: dict[str, Any] = client.post("/work-items/batch", body)
    except AnsweredWithError as error:
        if error.code != "BULK_CHANGE_REFUSED" or not isinstance(error.body, dict):
            raise
        report = error.body["report"]
    return report


def _changes(client: Client, given: list[str], project: str | None) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    for one in given:
        name, parted, value = one.partition("=")
        field = _NAMES.get(name.strip())
        if field is None or not parted:
            told = f"{one} is not NAME=VALUE with one of the names {', '.join(_NAMES)}."
            raise CommandFailed(told, ExitCode.USAGE)
        changes[field] = _value(client, field, value.strip(), project)
    return changes


def _value(client: Client, field: str, value: str, project: str | None) -> object:
    """Return what the API takes; an empty text clears."""
    if not value:
        return None
    if field == "estimate_seconds":
        return seconds_of(value)
    if field == "assignee_id":
        return member_id_of(client, value)
    if field == "sprint_id":
        return sprint_id_of(client, value, project)
    if field == "points":
        try:
            return int(value)
        except ValueError as error:
            raise CommandFailed(f"{value} is no whole number.", ExitCode.USAGE) from error
    return value


def _told(report: dict[str, Any]) -> str:
    refused = [item for item in report["items"] if item["outcome"] == "refused"]
    told = [table(refused[:refused_told_max], _REFUSED, window_width()), ""] if refused else []
    if len(refused) > refused_told_max:
        told += [f"… and {len(refused) - refused_told_max} more; --json tells all. By code:"]
        kinds = Counter(item["error"]["code"] for item in refused)
        told += [f"  {count} times {code}" for code, count in kinds.most_common()] + [""]
    counts = f"{report['unchanged']} unchanged, {report['refused']} refused"
    done = {"change": "changed", "delete": "deleted", "restore": "restored"}[report["action"]]
    if report["status"] == "refused":
        return "\n".join([*told, f"Nothing was {done}: {counts} of {report['total']} items."])
    would = "would be " if report["status"] == "checked" else ""
    changed = f"{report['changed']} {would}{done}"
    return "\n".join([*told, f"{report['total']} items: {changed}, {counts}."])
