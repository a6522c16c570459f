"""`tidemill items`."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer

from tidemill.cli.client import Client, connect, segment
from tidemill.cli.commands import comments
from tidemill.cli.commands.activity import item_activity_app
from tidemill.cli.commands.attaching import attaching_app
from tidemill.cli.commands.bulk import bulk_app
from tidemill.cli.commands.editing import editing_app
from tidemill.cli.commands.fields import values_of
from tidemill.cli.commands.importing import import_app
from tidemill.cli.commands.linking import link_app
from tidemill.cli.commands.templates import Values, template_id, values_in
from tidemill.cli.commands.transferring import transfer_app
from tidemill.cli.commands.watching import watching_app
from tidemill.cli.failures import CommandFailed, ExitCode, options_named
from tidemill.cli.lazy import group
from tidemill.cli.options import All, Limit, limit_of
from tidemill.cli.output import Column, emit, emit_rows, fields, when
from tidemill.cli.people import member_id_of
from tidemill.cli.texts import text_of
from tidemill.cli.times import duration, seconds_of

app = group("List, make, change, import work items; comments and files.")
app.add_typer(comments.app, name="comments")
app.registered_commands += import_app.registered_commands
app.registered_commands += bulk_app.registered_commands
app.registered_commands += watching_app.registered_commands
app.registered_commands += link_app.registered_commands
app.registered_commands += transfer_app.registered_commands
app.registered_commands += item_activity_app.registered_commands
app.registered_commands += editing_app.registered_commands
app.registered_commands += attaching_app.registered_commands


def assignee_name(row: Any) -> str:
    """Return the name of an item's assignee."""
    assignee = row.get("assignee")
    return str(assignee["name"] or assignee["id"]) if assignee else ""


def job_state(row: Any) -> str:
    """Return the state of an item's last job."""
    job = row.get("job")
    return str(job["state"]) if job else ""


def label_names(row: Any) -> str:
    """Return the names of an item's labels."""
    return ", ".join(label["name"] for label in row.get("labels") or ())


def _estimate(row: Any) -> str:
    seconds = row.get("estimate_seconds")
    return "" if seconds is None else duration(seconds)


def custom_values(row: Any) -> str:
    """Return what an item has in custom fields."""
    return ", ".join(f"{key}={value}" for key, value in (row.get("custom_fields") or {}).items())


_COLUMNS: list[Column] = [
    ("KEY", "key"),
    ("TYPE", "item_type"),
    ("STATUS", "status"),
    ("TITLE", "title"),
    ("LABELS", label_names),
    ("DUE", "due_date"),
    ("ASSIGNEE", assignee_name),
    ("JOB", job_state),
]
_FIELDS: list[Column] = [
    ("Key", "key"),
    ("Title", "title"),
    ("Type", "item_type"),
    ("Status", "status"),
    ("Priority", "priority"),
    ("Assignee", assignee_name),
    ("Labels", label_names),
    ("Points", "points"),
    ("Estimate", _estimate),
    ("Start", "start_date"),
    ("Due", "due_date"),
    ("Fields", custom_values),
    ("Parent", "parent"),
    ("Job", job_state),
    ("Result", lambda row: (row.get("job") or {}).get("result")),
    ("Error", lambda row: (row.get("job") or {}).get("error")),
    ("Archived", when("archived_at")),
    ("Blocked", lambda row: "yes" if row.get("blocked") else None),
    ("Version", "version"),
    ("Started", when("started_at")),
    ("Completed", when("completed_at")),
    ("Created", when("created_at")),
    ("Updated", when("updated_at")),
    ("Id", "id"),
    ("Description", "description"),
]

Estimate = Annotated[
    str | None, typer.Option(help="How long it may take, such as 1h30m; empty: nobody knows.")
]
_OPTIONS: Final = {
    "item_type": "--type",
    "project_id": "--project",
    "parent_id": "--parent",
    "assignee_id": "--assignee",
    "start_date": "--start",
    "due_date": "--due",
    "estimate_seconds": "--estimate",
}
"""The options of fields that have other names in the API."""

Assignee = Annotated[
    str | None,
    typer.Option(help="A member by e-mail address, name or id, or `me`; empty: nobody."),
]
PriorityOption = Annotated[
    str | None, typer.Option("--priority", help="critical, high, medium or low.")
]
Item = Annotated[str, typer.Argument(help="The item's key, such as TM-1, or its id.")]
Points = Annotated[str | None, typer.Option(help="How large it is: a whole number.")]
Start = Annotated[str | None, typer.Option(help="The day it starts, such as 2026-03-31.")]
CustomField = Annotated[
    list[str] | None, typer.Option("--field", help="A custom field as key=value; repeat it.")
]
Due = Annotated[str | None, typer.Option(help="The day it is due, such as 2026-03-31.")]
ProjectOption = Annotated[str | None, typer.Option("--project", "-p", help="Its key or id.")]


@app.command(
    "list",
    examples=(
        "tidemill items list -p TM",
        "tidemill items list -p TM --status todo --json",
        "tidemill items list --filter 'assignee:me is:open sort:-updated'",
    ),
)
def list_(  # noqa: PLR0913, PLR0917 - each parameter is an option
    project: ProjectOption = None,
    status: Annotated[str | None, typer.Option(help="Only those in this status.")] = None,
    item_type: Annotated[str | None, typer.Option("--type", help="A kind, such as bug.")] = None,
    label: Annotated[str | None, typer.Option(help="Only those with this label.")] = None,
    sort: Annotated[
        str | None, typer.Option(help="rank or number, within the one project that is named.")
    ] = None,
    filter_: Annotated[
        str | None, typer.Option("--filter", help="What they fulfil, such as is:open.")
    ] = None,
    blocked: Annotated[
        bool | None, typer.Option("--blocked/--not-blocked", help="Only those that wait, or not.")
    ] = None,
    limit: Limit = 50,
    all_: All = False,
) -> None:
    """List work items."""
    query = {
        "project_id": project,
        "status": status,
        "item_type": item_type,
        "label": label,
        "sort": sort,
        "filter": filter_,
        "blocked": None if blocked is None else str(blocked).lower(),
    }
    rows = list(connect().pages("/work-items", limit=limit_of(limit, all_), **query))
    emit_rows(rows, _COLUMNS, "No work items.")


@app.command(examples=("tidemill items show TM-1", "tidemill items show TM-1 --json"))
def show(item: Item) -> None:
    """Show one work item."""
    client = connect()
    found = client.get(f"/work-items/{segment(item)}")
    emit(found, lambda: fields({**found, "parent": _parent_key(client, found)}, _FIELDS))


@app.command(
    examples=(
        'tidemill items create "Read the tide tables" -p TM --type task',
        'tidemill items create "Sluice" --parent TM-1 --type task --description "Left gate"',
        'tidemill items create "Dredge" -p TM --label harbour --points 5 --due 2026-03-31',
        "tidemill items create --template Release -p TM --value version=1.2",
        'tidemill items create "Dredge" -p TM --field severity=high --field effort=2.5',
    )
)
def create(  # noqa: PLR0913, PLR0917 - one for each field
    title: Annotated[str | None, typer.Argument(help="What is to be done.")] = None,
    project: ProjectOption = None,
    item_type: Annotated[str | None, typer.Option("--type", help="A kind; else a task.")] = None,
    description: Annotated[str | None, typer.Option(help="More words; @FILE reads them.")] = None,
    parent: Annotated[str | None, typer.Option(help="Key or id of the parent.")] = None,
    assignee: Assignee = None,
    priority: PriorityOption = None,
    label: Annotated[list[str] | None, typer.Option(help="A label by name or id.")] = None,
    points: Points = None,
    estimate: Estimate = None,
    start: Start = None,
    due: Due = None,
    field: CustomField = None,
    template: Annotated[str | None, typer.Option(help="Be like this template's item.")] = None,
    value: Values = None,
) -> None:
    """Make a work item; what is not said is as its template has it."""
    if title is None and template is None:
        raise CommandFailed("Say what is to be done, or name a --template.", ExitCode.USAGE)
    if project is None and parent is None and template is None:
        raise CommandFailed("Name the project by -p, or a parent by --parent.", ExitCode.USAGE)
    client = connect()
    body = {
        "project_id": project,
        "item_type": item_type or (None if template else "task"),
        "title": title,
        "template_id": template_id(client, template) if template else None,
        "template_values": values_in(value),
        "description": text_of(description),
        "parent_id": parent,
        "assignee_id": member_id_of(client, assignee) or None,
        "priority": priority,
        "labels": label,
        "points": _number(points),
        "estimate_seconds": seconds_of(estimate) if estimate else None,
        "start_date": start,
        "due_date": due,
        "custom_fields": values_of(field) or None,
    }
    with options_named(**_OPTIONS):
        made = client.post("/work-items", {name: v for name, v in body.items() if v is not None})
    emit(made, f"Made {made['key']}.")


@app.command(
    examples=(
        "tidemill items update TM-1 --status in_progress --assignee me --priority high",
        'tidemill items update TM-1 --assignee "" --if-version 3',
        "tidemill items update TM-1 --label harbour --unlabel urgent --due 2026-03-31",
        "tidemill items update TM-1 --field severity=low --field effort=",
    )
)
def update(  # noqa: PLR0913, PLR0917 - one for each field
    item: Item,
    title: Annotated[str | None, typer.Option(help="A new title.")] = None,
    status: Annotated[str | None, typer.Option(help="Move it to this status.")] = None,
    description: Annotated[str | None, typer.Option(help="New words; @FILE reads them.")] = None,
    assignee: Assignee = None,
    priority: PriorityOption = None,
    parent: Annotated[str | None, typer.Option(help="A new parent; empty: none.")] = None,
    item_type: Annotated[str | None, typer.Option("--type", help="Another kind.")] = None,
    label: Annotated[list[str] | None, typer.Option(help="A label to add.")] = None,
    unlabel: Annotated[list[str] | None, typer.Option(help="A label to take off.")] = None,
    points: Points = None,
    estimate: Estimate = None,
    start: Start = None,
    due: Due = None,
    field: CustomField = None,
    if_version: Annotated[int | None, typer.Option(help="Only when it still has this.")] = None,
) -> None:
    """Change a work item: what is not named stays, an empty text clears."""
    client = connect()
    given = {
        "title": title,
        "status": status,
        "description": text_of(description),
        "assignee_id": member_id_of(client, assignee),
        "priority": priority,
        "parent_id": parent,
        "start_date": start,
        "due_date": due,
    }
    body: dict[str, Any] = {name: v or None for name, v in given.items() if v is not None}
    if points is not None:
        body["points"] = _number(points)
    if estimate is not None:
        body["estimate_seconds"] = seconds_of(estimate) if estimate else None
    if item_type is not None:
        body["item_type"] = item_type
    said = (("add_labels", label), ("remove_labels", unlabel), ("custom_fields", values_of(field)))
    body |= {name: v for name, v in said if v}
    if not body:
        raise CommandFailed("Say what to change, e.g. --status done.", ExitCode.USAGE)
    headers = {"If-Match": f'"v{if_version}"'} if if_version is not None else None
    with options_named(**_OPTIONS):
        changed = client.patch(f"/work-items/{segment(item)}", body, headers=headers)
    emit(changed, f"{changed['key']} is {changed['status']}, version {changed['version']}.")


@app.command(
    examples=(
        "tidemill items move TM-7 --after TM-3",
        "tidemill items move TM-7 --first --status in_progress",
    )
)
def move(
    item: Item,
    *,
    after: Annotated[str | None, typer.Option(help="Right behind this item.")] = None,
    before: Annotated[str | None, typer.Option(help="Right before this item.")] = None,
    first: Annotated[bool, typer.Option("--first", help="Before all others.")] = False,
    last: Annotated[bool, typer.Option("--last", help="Behind all others.")] = False,
    status: Annotated[str | None, typer.Option(help="Also to this status.")] = None,
) -> None:
    """Move a work item to another place among those of its project."""
    places: list[tuple[str, str | None, bool]] = [
        ("after_id", after, after is not None),
        ("before_id", before, before is not None),
        ("after_id", None, first),
        ("before_id", None, last),
    ]
    body = {"status": status} if status is not None else {}
    chosen = [(name, neighbour) for name, neighbour, is_chosen in places if is_chosen]
    if len(chosen) != 1:
        raise CommandFailed("Say where: --after, --before, --first or --last.", ExitCode.USAGE)
    moved = connect().patch(f"/work-items/{segment(item)}", {**body, **dict(chosen)})
    emit(moved, f"Moved {moved['key']}.")


@app.command(examples=("tidemill items archive TM-1",))
def archive(item: Item) -> None:
    """Put a work item away: only lists of is:archived show it, and nothing of it changes."""
    archived = connect().patch(f"/work-items/{segment(item)}", {"archived": True})
    emit(archived, f"Archived {archived['key']}.")


@app.command(examples=("tidemill items unarchive TM-1",))
def unarchive(item: Item) -> None:
    """Take an archived work item out again."""
    taken = connect().patch(f"/work-items/{segment(item)}", {"archived": False})
    emit(taken, f"{taken['key']} is out of the archive.")


@app.command(examples=("tidemill items delete TM-1",))
def delete(item: Item) -> None:
    """Delete a work item; it can be restored."""
    connect().delete(f"/work-items/{segment(item)}")
    emit({"item": item}, f"Deleted {item}.")


def _parent_key(client: Client, item: Any) -> str | None:
    """Return the key of the item's parent."""
    if item["parent_id"] is None:
        return None
    return str(client.get(f"/work-items/{item['parent_id']}")["key"])


def _number(given: str | None) -> int | None:
    """Return the number; an empty text clears."""
    if not given:
        return None
    try:
        return int(given)
    except ValueError as error:
        raise CommandFailed(f"{given} is no whole number.", ExitCode.USAGE) from error
