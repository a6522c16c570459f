"""`tidemill folders`."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer

from tidemill.cli.client import Client, connect, segment
from tidemill.cli.failures import AnsweredWithError, CommandFailed, ExitCode
from tidemill.cli.lazy import group
from tidemill.cli.options import All, Limit, limit_of
from tidemill.cli.output import Column, emit, emit_rows, fields, when

app = group("Say who may do what below which path.")

_COLUMNS: list[Column] = [
    ("NAME", "name"),
    ("GRANTS", lambda row: ", ".join(f"{who}={level}" for who, level in row["grants"].items())),
    ("DESCRIPTION", "description"),
    ("CHANGED", when("updated_at")),
]
_MISSING: Final = 404
_Name = Annotated[str, typer.Argument(help="The folder's name: NAME of f/NAME/….")]


@app.command("list", examples=("tidemill folders list",))
def list_(limit: Limit = 50, all_: All = False) -> None:
    """List the folders that you may see."""
    rows = list(connect().pages("/folders", limit=limit_of(limit, all_)))
    emit_rows(rows, _COLUMNS, "No folders yet. Make one: tidemill folders set NAME --grant …")


@app.command(examples=("tidemill folders show sales",))
def show(name: _Name) -> None:
    """Show who may do what in a folder."""
    found = connect().get(f"/folders/{segment(name)}")
    emit(found, lambda: fields(found, _COLUMNS))


@app.command(
    "set",
    examples=(
        "tidemill folders set sales --grant role:member=run --grant user:0199…=own",
        "tidemill folders set sales --description 'Reports of the sales team'",
    ),
)
def set_(
    name: _Name,
    grant: Annotated[
        list[str] | None,
        typer.Option(help="user:ID=LEVEL or role:member=LEVEL; read, run, write or own."),
    ] = None,
    description: Annotated[str | None, typer.Option(help="What it is for.")] = None,
) -> None:
    """Make a folder, or change it; without --grant its grants stay."""
    client = connect()
    address = f"/folders/{segment(name)}"
    known = _known(client, address)
    body = {
        "grants": known["grants"] if grant is None else dict(_pair(text) for text in grant),
        "description": known["description"] if description is None else description,
    }
    made = client.put(address, body)
    emit(made, f"The folder {made['name']} is at version {made['version']}.")


@app.command(examples=("tidemill folders delete sales",))
def delete(name: _Name) -> None:
    """Delete a folder in which nothing is left."""
    connect().delete(f"/folders/{segment(name)}")
    emit({"name": name}, f"{name} is deleted.")


def _known(client: Client, address: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = client.get(address)
    except AnsweredWithError as error:
        if error.status != _MISSING:
            raise
        return {"grants": {}, "description": ""}
    return found


def _pair(text: str) -> tuple[str, str]:
    who, sign, level = text.rpartition("=")
    if not sign:
        raise CommandFailed(
            f"--grant {text}: write WHO=LEVEL, such as role:member=run.", ExitCode.USAGE
        )
    return who, level
