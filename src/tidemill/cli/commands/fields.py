"""`tidemill fields`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tidemill.cli.client import Client, connect, segment
from tidemill.cli.failures import CommandFailed, ExitCode, options_named
from tidemill.cli.lazy import group
from tidemill.cli.options import All, Limit, limit_of
from tidemill.cli.output import Column, emit, emit_rows, fields

app = group("List, make and change custom fields of work items.")


def _choices(row: Any) -> str:
    return ", ".join(
        f"{one['id']} (retired)" if one["retired"] else one["id"] for one in row["choices"]
    )


def _yes(name: str) -> Any:
    return lambda row: "yes" if row[name] else ""


_COLUMNS: list[Column] = [
    ("KEY", "key"),
    ("NAME", "name"),
    ("TYPE", "type"),
    ("OF", lambda row: "a project" if row["project_id"] else "all projects"),
    ("REQUIRED", _yes("required")),
    ("CHOICES", _choices),
    ("ID", "id"),
]
_FIELDS: list[Column] = [
    ("Key", "key"),
    ("Name", "name"),
    ("Type", "type"),
    ("Project", "project_id"),
    ("Required", _yes("required")),
    ("Default", "default"),
    ("Minimum", "minimum"),
    ("Maximum", "maximum"),
    ("Characters", "length_max"),
    ("Choices", _choices),
    ("Version", "version"),
    ("Id", "id"),
    ("Help", "help"),
]
_OPTIONS = {"minimum": "--min", "maximum": "--max", "length_max": "--length", "choices": "--choice"}

Field = Annotated[str, typer.Argument(help="The field's id, or its key.")]
Project = Annotated[str | None, typer.Option("--project", "-p", help="Its key or id.")]
ChoiceNames = Annotated[
    list[str] | None, typer.Option("--choice", help="A choice by its name, in order; repeat it.")
]
Help = Annotated[str | None, typer.Option("--explain", help="What people shall know of it.")]
Default = Annotated[str | None, typer.Option(help="What new items have.")]
Minimum = Annotated[str | None, typer.Option("--min", help="Of numbers and days: the least.")]
Maximum = Annotated[str | None, typer.Option("--max", help="Of numbers and days: the most.")]
Length = Annotated[int | None, typer.Option("--length", help="Of texts and links: characters.")]


@app.command("list", examples=("tidemill fields list", "tidemill fields list -p TM"))
def list_(project: Project = None, limit: Limit = 50, all_: All = False) -> None:
    """List custom fields; of a project: those that its items have."""
    rows = list(connect().pages("/custom-fields", limit=limit_of(limit, all_), project_id=project))
    emit_rows(rows, _COLUMNS, "No custom fields yet. Make one: tidemill fields create KEY --type …")


@app.command(examples=("tidemill fields show severity",))
def show(field: Field, project: Project = None) -> None:
    """Show one custom field."""
    client = connect()
    found = client.get(f"/custom-fields/{segment(_id(client, field, project))}")
    emit(found, lambda: fields(found, _FIELDS))


@app.command(
    examples=(
        "tidemill fields create severity --type choice --choice High --choice Low",
        "tidemill fields create effort -p TM --type number --min 0 --default 1",
        'tidemill fields create quay --type text --name "Which quay" --required',
    )
)
def create(  # noqa: PLR0913, PLR0917 - one for each member
    key: Annotated[str, typer.Argument(help="How items and filters name it, such as severity.")],
    type_: Annotated[
        str, typer.Option("--type", help="text, number, date, choice, user or link.")
    ] = "text",
    name: Annotated[str | None, typer.Option(help="What people read; the key.")] = None,
    project: Project = None,
    explain: Help = None,
    required: Annotated[
        bool, typer.Option("--required", help="Each new item must have a value.")
    ] = False,
    default: Default = None,
    minimum: Minimum = None,
    maximum: Maximum = None,
    length: Length = None,
    choice: ChoiceNames = None,
) -> None:
    """Make a custom field, for all projects or for one."""
    body = {
        "key": key,
        "name": name or key.capitalize(),
        "type": type_,
        "project_id": project,
        "help": explain,
        "required": required or None,
        "default": default,
        "minimum": minimum,
        "maximum": maximum,
        "length_max": length,
        "choices": [{"name": one} for one in choice] if choice else None,
    }
    with options_named(**_OPTIONS, project_id="--project", help="--explain"):
        made = connect().post(
            "/custom-fields", {word: v for word, v in body.items() if v is not None}
        )
    emit(made, f"Made {made['key']}.")


@app.command(
    examples=(
        'tidemill fields update severity --name "How bad" --choice High --choice Low --choice None',
        'tidemill fields update effort --max "" --optional',
    )
)
def update(  # noqa: PLR0913, PLR0917 - one for each member
    field: Field,
    project: Project = None,
    name: Annotated[str | None, typer.Option(help="A new name.")] = None,
    explain: Help = None,
    required: Annotated[
        bool | None,
        typer.Option("--required/--optional", help="Whether each new item must have a value."),
    ] = None,
    default: Default = None,
    minimum: Minimum = None,
    maximum: Maximum = None,
    choice: ChoiceNames = None,
) -> None:
    """Change a custom field: what is not named stays, an empty text clears.

    Choices that are named are all that it offers then; those that items have are retired.
    """
    given = {"help": explain, "default": default, "minimum": minimum, "maximum": maximum}
    body: dict[str, Any] = {word: v or None for word, v in given.items() if v is not None}
    said = {
        "name": name,
        "required": required,
        "choices": [{"name": one} for one in choice] if choice else None,
    }
    body |= {word: value for word, value in said.items() if value is not None}
    if not body:
        raise CommandFailed('Say what to change, e.g. --name "How bad".', ExitCode.USAGE)
    client = connect()
    with options_named(**_OPTIONS, help="--explain"):
        changed = client.patch(f"/custom-fields/{segment(_id(client, field, project))}", body)
    emit(changed, f"{changed['key']} is at version {changed['version']}.")


@app.command(examples=("tidemill fields delete severity --yes",))
def delete(
    field: Field,
    project: Project = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it also to items that have it.")] = False,
) -> None:
    """Delete a custom field, and with it what items have there."""
    if not yes:
        told = f"What items have in {field} is deleted with it. If that is meant, add --yes."
        raise CommandFailed(told, ExitCode.USAGE)
    client = connect()
    found = _id(client, field, project)
    client.delete(f"/custom-fields/{segment(found)}")
    emit({"id": found}, f"Deleted {field}.")


def values_of(given: list[str] | None) -> dict[str, str | None]:
    """Return what `--field key=value` says; an empty value clears."""
    values: dict[str, str | None] = {}
    for each in given or ():
        key, equals, value = each.partition("=")
        if not equals:
            raise CommandFailed(f"Write --field {each}=VALUE.", ExitCode.USAGE)
        values[key] = value or None
    return values


def _id(client: Client, reference: str, project: str | None) -> str:
    """Return the id of the one field with this id or key."""
    rows: list[Any] = list(client.pages("/custom-fields", limit=None, project_id=project))
    found = [row["id"] for row in rows if reference.lower() in {row["id"], row["key"]}]
    if len(found) > 1:
        told = f"{len(found)} fields have the key {reference}. Name the project by -p, or an id."
        raise CommandFailed(told, ExitCode.USAGE)
    return str(found[0]) if found else reference
