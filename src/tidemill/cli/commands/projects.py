"""`tidemill projects`."""

from __future__ import annotations

from typing import Annotated

import typer

from tidemill.cli.client import connect, segment
from tidemill.cli.commands import workflows
from tidemill.cli.commands.activity import project_activity_app
from tidemill.cli.lazy import group
from tidemill.cli.options import All, Limit, limit_of
from tidemill.cli.output import Column, emit, emit_rows, when

app = group("List and make projects; say which statuses they have.")
app.add_typer(workflows.app, name="workflow")
app.registered_commands += project_activity_app.registered_commands

_COLUMNS: list[Column] = [
    ("KEY", "key"),
    ("NAME", "name"),
    ("STATUS", "status"),
    ("CREATED", when("created_at")),
]
_PATH: list[Column] = [
    ("KEY", "key"),
    ("STATUS", "status"),
    ("TITLE", "title"),
]


@app.command("list", examples=("tidemill projects list",))
def list_(limit: Limit = 50, all_: All = False) -> None:
    """List the projects of the tenant."""
    rows = list(connect().pages("/projects", limit=limit_of(limit, all_)))
    emit_rows(rows, _COLUMNS, "No projects yet. Make one: tidemill projects create TM Tidemill")


@app.command(examples=('tidemill projects create TM "Tidemill"',))
def create(
    key: Annotated[str, typer.Argument(help="Upper-case letters; items are KEY-1, KEY-2, …")],
    name: Annotated[str, typer.Argument(help="The project's name.")],
    description: Annotated[str | None, typer.Option(help="What it is about.")] = None,
) -> None:
    """Make a project."""
    body = {"key": key, "name": name}
    if description is not None:
        body["description"] = description
    project = connect().post("/projects", body)
    emit(project, f"Made {project['key']}.")


@app.command("critical-path", examples=("tidemill projects critical-path TM",))
def critical_path(
    project: Annotated[str, typer.Argument(help="The project's key or id.")],
    limit: Limit = 50,
    all_: All = False,
) -> None:
    """Show the heaviest chain of unfinished items, each of which blocks the next."""
    path = f"/projects/{segment(project)}/critical-path"
    rows = list(connect().pages(path, limit=limit_of(limit, all_)))
    emit_rows(rows, _PATH, "No unfinished item of this project blocks another one.")
