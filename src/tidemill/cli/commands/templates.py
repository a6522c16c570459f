"""`tidemill templates`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from tidemill.cli.client import Client, connect, segment
from tidemill.cli.commands.fields import values_of
from tidemill.cli.failures import CommandFailed, ExitCode
from tidemill.cli.lazy import group
from tidemill.cli.options import All, Limit, limit_of
from tidemill.cli.output import Column, emit, emit_rows

app = group("Keep items that are made again and again, with what lies below them.")


def _count(row: Any) -> int:
    left, count = [row["item"]], 0
    while left:
        left += left.pop()["children"]
        count += 1
    return count


_COLUMNS: list[Column] = [
    ("NAME", "name"),
    ("OF", lambda row: "a project" if row["project_id"] else "all projects"),
    ("TYPE", lambda row: row["item"]["item_type"]),
    ("TITLE", lambda row: row["item"]["title"]),
    ("ITEMS", _count),
    ("ID", "id"),
]
_MADE: list[Column] = [("KEY", "key"), ("TYPE", "item_type"), ("TITLE", "title")]
Template = Annotated[str, typer.Argument(help="The template's id, or its name.")]
Project = Annotated[str | None, typer.Option("--project", "-p", help="Its key or id.")]
File = Annotated[Path, typer.Argument(help="JSON: item_type, title, children and the like.")]
Values = Annotated[
    list[str] | None,
    typer.Option("--value", help="NAME=TEXT of what a title has in braces; may be repeated."),
]
Fields = Annotated[
    list[str] | None,
    typer.Option("--field", help="KEY=VALUE of a custom field of each item; may be repeated."),
]


@app.command("list", examples=("tidemill templates list -p TM",))
def list_(project: Project = None, limit: Limit = 50, all_: All = False) -> None:
    """List templates; of a project: those that it can use."""
    rows = list(connect().pages("/item-templates", limit=limit_of(limit, all_), project_id=project))
    emit_rows(rows, _COLUMNS, "No templates. Make one: tidemill templates create NAME FILE")


@app.command(examples=("tidemill templates show Release",))
def show(template: Template) -> None:
    """Print a template; its item is what `create` and `update` take as a file."""
    client = connect()
    found = client.get(f"/item-templates/{segment(template_id(client, template))}")
    emit(found, json.dumps(found["item"], ensure_ascii=False, indent=2))


@app.command(examples=("tidemill templates create Release release.json -p TM",))
def create(
    name: Annotated[str, typer.Argument(help="Its name.")],
    file: File,
    project: Project = None,
    description: Annotated[str | None, typer.Option(help="What it is for.")] = None,
) -> None:
    """Make a template, for all projects or for one."""
    body = {"name": name, "item": _read(file), "project_id": project, "description": description}
    made = connect().post("/item-templates", {word: v for word, v in body.items() if v is not None})
    emit(made, f"Made the template {made['name']}.")


@app.command(examples=("tidemill templates update Release release.json",))
def update(
    template: Template,
    file: Annotated[Path | None, typer.Argument(help="What it makes from now on.")] = None,
    name: Annotated[str | None, typer.Option(help="A new name.")] = None,
) -> None:
    """Change a template; what was made of it stays."""
    body: dict[str, Any] = {} if name is None else {"name": name}
    if file is not None:
        body["item"] = _read(file)
    if not body:
        raise CommandFailed("Say what to change, e.g. --name Release.", ExitCode.USAGE)
    client = connect()
    changed = client.patch(f"/item-templates/{segment(template_id(client, template))}", body)
    emit(changed, f"{changed['name']} is at version {changed['version']}.")


@app.command(examples=("tidemill templates use Release -p TM --value version=1.2",))
def use(
    template: Template,
    project: Project = None,
    parent: Annotated[
        str | None, typer.Option(help="Key or id of the first item's parent.")
    ] = None,
    title: Annotated[str | None, typer.Option(help="The first item's title.")] = None,
    value: Values = None,
    field: Fields = None,
) -> None:
    """Make all items of a template at once; custom fields are set in each."""
    client = connect()
    body = {
        "project_id": project,
        "parent_id": parent,
        "title": title,
        "values": values_in(value),
        "custom_fields": values_of(field) or None,
    }
    path = f"/item-templates/{segment(template_id(client, template))}/uses"
    made = client.post(path, {word: v for word, v in body.items() if v is not None})
    emit_rows(made["items"], _MADE, "Nothing was made.")


@app.command(examples=("tidemill templates delete Release",))
def delete(template: Template) -> None:
    """Delete a template; what was made of it stays."""
    client = connect()
    found = template_id(client, template)
    client.delete(f"/item-templates/{segment(found)}")
    emit({"id": found}, f"Deleted the template {template}.")


def template_id(client: Client, reference: str) -> str:
    """Return the id of the one template with this id or name."""
    rows: list[Any] = list(client.pages("/item-templates", limit=None))
    found = [
        row["id"]
        for row in rows
        if reference.lower() == row["id"] or reference.casefold() == row["name"].casefold()
    ]
    if len(found) > 1:
        told = f"{len(found)} templates are called {reference}. Name one by its id."
        raise CommandFailed(told, ExitCode.USAGE)
    return str(found[0]) if found else reference


def values_in(given: list[str] | None) -> dict[str, str] | None:
    """Return what `--value NAME=TEXT` says."""
    values: dict[str, str] = {}
    for one in given or ():
        name, is_said, text = one.partition("=")
        if not is_said:
            raise CommandFailed(f"--value {one}: write NAME=TEXT.", ExitCode.USAGE)
        values[name] = text
    return values or None


def _read(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CommandFailed(f"{file} cannot be read as JSON: {error}", ExitCode.USAGE) from error
