"""`tidemill projects`."""

from __future__ import annotations

from enum import StrEnum
from http.client import HTTPException
from pathlib import Path
from typing import Annotated

import typer

from tidemill.cli.client import connect, segment
from tidemill.cli.commands import guests, project_git, workflows
from tidemill.cli.commands.activity import project_activity_app
from tidemill.cli.commands.project_imports import project_import_app
from tidemill.cli.commands.sharing import sharing_app
from tidemill.cli.failures import CommandFailed
from tidemill.cli.lazy import group
from tidemill.cli.options import All, Limit, limit_of
from tidemill.cli.output import Column, emit, emit_rows, when

app = group("List and make projects; take them elsewhere; say who sees them.")
app.add_typer(workflows.app, name="workflow")
app.add_typer(guests.app, name="guests")
app.add_typer(project_git.app, name="git")
app.registered_commands += project_activity_app.registered_commands
app.registered_commands += project_import_app.registered_commands
app.registered_commands += sharing_app.registered_commands

_COLUMNS: list[Column] = [
    ("KEY", "key"),
    ("NAME", "name"),
    ("STATUS", "status"),
    ("SEEN BY", "visibility"),
    ("CREATED", when("created_at")),
]
_PATH: list[Column] = [
    ("KEY", "key"),
    ("STATUS", "status"),
    ("TITLE", "title"),
]


class ExportFormat(StrEnum):
    """What an export is written as."""

    CSV = "csv"
    ICS = "ics"
    JSON = "json"
    ZIP = "zip"


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
    private: Annotated[bool, typer.Option("--private", help="Its members alone see it.")] = False,
) -> None:
    """Make a project."""
    body = {"key": key, "name": name}
    if private:
        body["visibility"] = "private"
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


@app.command(
    examples=(
        "tidemill projects export TM -o tm.csv",
        "tidemill projects export TM -o due.ics --format ics --filter is:open",
        "tidemill projects export TM -o tm.json --format json",
        "tidemill projects export TM -o tm.zip --format zip",
    )
)
def export(
    project: Annotated[str, typer.Argument(help="The project's key or id.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write.")],
    format_: Annotated[
        ExportFormat,
        typer.Option("--format", help="Items, due days, all as JSON, or all with files."),
    ] = ExportFormat.CSV,
    filter_: Annotated[
        str | None, typer.Option("--filter", help="Only what fulfils this, such as is:open.")
    ] = None,
) -> None:
    """Write the items of a project into a file, as they arrive."""
    size = 0
    path = f"/projects/{segment(project)}/export"
    client = connect()
    with client.stream(path, format=format_.value, filter=filter_) as answer:
        try:
            with output.open("wb") as file:
                for part in answer:
                    size += file.write(part)
        except (HTTPException, OSError) as error:
            raise CommandFailed(f"{output} is not whole: {error}.") from error
    emit({"file": str(output), "bytes": size}, f"{size} bytes are in {output}.")
