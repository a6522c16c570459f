"""`tidemill items`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tidemill.cli.client import Client, connect, segment
from tidemill.cli.commands.importing import import_app
from tidemill.cli.failures import CommandFailed, ExitCode
from tidemill.cli.lazy import group
from tidemill.cli.options import All, Limit, limit_of
from tidemill.cli.output import Column, emit, emit_rows, fields, when

app = group("List, make, change and import work items.")
app.registered_commands += import_app.registered_commands


def assignee_name(row: Any) -> str:
    """Return the name of an item's assignee."""
    assignee = row.get("assignee")
    return str(assignee["name"] or assignee["id"]) if assignee else ""


def job_state(row: Any) -> str:
    """Return the state of an item's last job."""
    job = row.get("job")
    return str(job["state"]) if job else ""


_COLUMNS: list[Column] = [
    ("KEY", "key"),
    ("TYPE", "item_type"),
    ("STATUS", "status"),
    ("TITLE", "title"),
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
    ("Parent", "parent"),
    ("Job", job_state),
    ("Result", lambda row: (row.get("job") or {}).get("result")),
    ("Error", lambda row: (row.get("job") or {}).get("error")),
    ("Version", "version"),
    ("Created", when("created_at")),
    ("Updated", when("updated_at")),
    ("Id", "id"),
    ("Description", "description"),
]

Item = Annotated[str, typer.Argument(help="The item's key, such as TM-1, or its id.")]
ProjectOption = Annotated[str | None, typer.Option("--project", "-p", help="Its key or id.")]


@app.command(
    "list",
    examples=("tidemill items list -p TM", "tidemill items list -p TM --status todo --json"),
)
def list_(
    project: ProjectOption = None,
    status: Annotated[str | None, typer.Option(help="Only those in this status.")] = None,
    item_type: Annotated[str | None, typer.Option("--type", help="epic, story, task, bug.")] = None,
    limit: Limit = 50,
    all_: All = False,
) -> None:
    """List work items."""
    query = {"project_id": project, "status": status, "item_type": item_type}
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
    )
)
def create(
    title: Annotated[str, typer.Argument(help="What is to be done.")],
    project: ProjectOption = None,
    item_type: Annotated[str, typer.Option("--type", help="epic, story, task or bug.")] = "task",
    description: Annotated[str | None, typer.Option(help="More words; @FILE reads them.")] = None,
    parent: Annotated[str | None, typer.Option(help="Key or id of the parent.")] = None,
    assignee: Annotated[str | None, typer.Option(help="Id of a member, or `me`.")] = None,
) -> None:
    """Make a work item."""
    if project is None and parent is None:
        raise CommandFailed("Name the project by -p, or a parent by --parent.", ExitCode.USAGE)
    client = connect()
    body = {
        "project_id": project,
        "item_type": item_type,
        "title": title,
        "description": _text(description),
        "parent_id": parent,
        "assignee_id": _user_id(client, assignee),
    }
    made = client.post("/work-items", {name: v for name, v in body.items() if v is not None})
    emit(made, f"Made {made['key']}.")


@app.command(
    examples=(
        "tidemill items update TM-1 --status in_progress --assignee me",
        'tidemill items update TM-1 --assignee "" --if-version 3',
    )
)
def update(  # noqa: PLR0913, PLR0917 - one for each field
    item: Item,
    title: Annotated[str | None, typer.Option(help="A new title.")] = None,
    status: Annotated[str | None, typer.Option(help="Move it to this status.")] = None,
    description: Annotated[str | None, typer.Option(help="New words; @FILE reads them.")] = None,
    assignee: Annotated[str | None, typer.Option(help="Id of a member, `me`; empty: none.")] = None,
    parent: Annotated[str | None, typer.Option(help="A new parent; empty: none.")] = None,
    if_version: Annotated[int | None, typer.Option(help="Only when it still has this.")] = None,
) -> None:
    """Change a work item: what is not named stays, an empty text clears."""
    client = connect()
    given = {
        "title": title,
        "status": status,
        "description": _text(description),
        "assignee_id": _user_id(client, assignee),
        "parent_id": parent,
    }
    body = {name: value or None for name, value in given.items() if value is not None}
    if not body:
        raise CommandFailed("Say what to change, e.g. --status done.", ExitCode.USAGE)
    headers = {"If-Match": f'"v{if_version}"'} if if_version is not None else None
    changed = client.patch(f"/work-items/{segment(item)}", body, headers=headers)
    emit(changed, f"{changed['key']} is {changed['status']}, version {changed['version']}.")


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


def _user_id(client: Client, given: str | None) -> str | None:
    if given == "me":
        return str(client.get("/auth/me")["user"]["id"])
    return given


def _text(given: str | None) -> str | None:
    """Return the text, or what the file after an @ holds."""
    if given is None or not given.startswith("@"):
        return given
    try:
        return Path(given[1:]).read_text(encoding="utf-8")
    except OSError as error:
        told = f"{given[1:]} cannot be read: {error.strerror}."
        raise CommandFailed(told, ExitCode.USAGE) from error
    except UnicodeDecodeError as error:
        raise CommandFailed(f"{given[1:]} is no text in UTF-8.", ExitCode.USAGE) from error
