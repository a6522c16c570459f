"""`tidemill labels`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tidemill.cli.client import Client, connect, segment
from tidemill.cli.failures import CommandFailed, ExitCode
from tidemill.cli.lazy import group
from tidemill.cli.options import All, Limit, limit_of
from tidemill.cli.output import Column, emit, emit_rows

app = group("List, make and change labels of work items.")

_COLUMNS: list[Column] = [
    ("NAME", "name"),
    ("COLOR", "color"),
    ("OF", lambda row: "a project" if row["project_id"] else "all projects"),
    ("DESCRIPTION", "description"),
    ("ID", "id"),
]
Label = Annotated[str, typer.Argument(help="The label's id, or its name.")]
Project = Annotated[str | None, typer.Option("--project", "-p", help="Its key or id.")]
Color = Annotated[str | None, typer.Option(help="As #rrggbb.")]


@app.command("list", examples=("tidemill labels list", "tidemill labels list -p TM"))
def list_(project: Project = None, limit: Limit = 50, all_: All = False) -> None:
    """List labels; of a project: those that its items can bear."""
    rows = list(connect().pages("/labels", limit=limit_of(limit, all_), project_id=project))
    emit_rows(rows, _COLUMNS, "No labels yet. Make one: tidemill labels create NAME")


@app.command(
    examples=(
        "tidemill labels create urgent --color '#d55e00'",
        "tidemill labels create harbour -p TM",
    )
)
def create(
    name: Annotated[str, typer.Argument(help="Its name, without a comma.")],
    project: Project = None,
    color: Color = None,
    description: Annotated[str | None, typer.Option(help="What it is for.")] = None,
) -> None:
    """Make a label, for all projects or for one."""
    body = {"name": name, "project_id": project, "color": color, "description": description}
    made = connect().post("/labels", {word: v for word, v in body.items() if v is not None})
    emit(made, f"Made {made['name']}.")


@app.command(examples=("tidemill labels update urgent --name now --color '#d55e00'",))
def update(
    label: Label,
    project: Project = None,
    name: Annotated[str | None, typer.Option(help="A new name.")] = None,
    color: Color = None,
    description: Annotated[str | None, typer.Option(help="New words; empty: none.")] = None,
) -> None:
    """Change a label on all items that bear it."""
    given = {"name": name, "color": color, "description": description}
    body = {word: value for word, value in given.items() if value is not None}
    if not body:
        raise CommandFailed("Say what to change, e.g. --color '#d55e00'.", ExitCode.USAGE)
    client = connect()
    changed = client.patch(f"/labels/{segment(_id(client, label, project))}", body)
    emit(changed, f"{changed['name']} is at version {changed['version']}.")


@app.command(examples=("tidemill labels delete urgent",))
def delete(label: Label, project: Project = None) -> None:
    """Delete a label: no item shows it any more; it can be restored by its id."""
    client = connect()
    found = _id(client, label, project)
    client.delete(f"/labels/{segment(found)}")
    emit({"id": found}, f"Deleted {label}. To bring it back: tidemill labels restore {found}")


@app.command(examples=("tidemill labels restore 0199f0c2-7a51-7c3e-9d0e-5a1b2c3d4e5f",))
def restore(label: Annotated[str, typer.Argument(help="The label's id.")]) -> None:
    """Bring a deleted label back, on the items that bore it."""
    restored = connect().post(f"/labels/{segment(label)}/restorations", None)
    emit(restored, f"{restored['name']} is back.")


def _id(client: Client, reference: str, project: str | None) -> str:
    """Return the id of the one label with this id or name."""
    rows: list[Any] = list(client.pages("/labels", limit=None, project_id=project))
    found = [
        row["id"]
        for row in rows
        if reference.lower() == row["id"] or reference.casefold() == row["name"].casefold()
    ]
    if len(found) > 1:
        told = f"{len(found)} labels are called {reference}. Name the project by -p, or an id."
        raise CommandFailed(told, ExitCode.USAGE)
    return str(found[0]) if found else reference
