"""`tidemill resources`."""

from __future__ import annotations

import json
from typing import Annotated, Any
from urllib.parse import quote

import typer

from tidemill.cli.client import connect, segments
from tidemill.cli.failures import CommandFailed, ExitCode
from tidemill.cli.lazy import group
from tidemill.cli.options import All, Limit, limit_of
from tidemill.cli.output import Column, emit, emit_rows, when

app = group("Keep how to reach databases and services.")

_COLUMNS: list[Column] = [
    ("PATH", "path"),
    ("TYPE", "type"),
    ("DESCRIPTION", "description"),
    ("CHANGED", when("updated_at")),
]
_TYPE_COLUMNS: list[Column] = [
    ("NAME", "name"),
    ("DESCRIPTION", "description"),
    ("FIELDS", lambda row: ", ".join(row["schema"].get("properties", {}))),
]
_PathArgument = Annotated[str, typer.Argument(help="The resource's path.")]


@app.command("list", examples=("tidemill resources list",))
def list_(limit: Limit = 50, all_: All = False) -> None:
    """List resources, without their values."""
    rows = list(connect().pages("/resources", limit=limit_of(limit, all_)))
    emit_rows(rows, _COLUMNS, "No resources yet. Make one: tidemill resources set PATH TYPE VALUE")


@app.command(examples=("tidemill resources types",))
def types(limit: Limit = 50, all_: All = False) -> None:
    """List the types of resources, with their fields."""
    rows = list(connect().pages("/resource-types", limit=limit_of(limit, all_)))
    emit_rows(rows, _TYPE_COLUMNS, "No types.")


@app.command(examples=("tidemill resources get db/tides", "tidemill resources get db --resolved"))
def get(
    path: _PathArgument,
    resolved: Annotated[
        bool, typer.Option("--resolved", help="With what it refers to; secrets are audited.")
    ] = False,
) -> None:
    """Print the value of a resource as JSON, with its references."""
    address = f"/resources/{segments(path)}"
    if resolved:
        address = f"/resources/value?path={quote(path, safe='')}"
    found = connect().get(address)
    emit(found, json.dumps(found["value"], indent=2, ensure_ascii=False))


@app.command(
    "set",
    examples=('tidemill resources set db sqlite \'{"path": "/srv/tides.db"}\'',),
)
def set_(
    path: _PathArgument,
    type_: Annotated[str, typer.Argument(metavar="TYPE", help="Its type.")],
    value: Annotated[str, typer.Argument(help="Its value as JSON.")],
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
) -> None:
    """Make a resource, or change it."""
    body = {"type": type_, "value": _decoded(value), "description": description}
    made = connect().put(f"/resources/{segments(path)}", body)
    emit(made, f"The resource {made['path']} is at version {made['version']}.")


@app.command(examples=("tidemill resources delete db/tides",))
def delete(path: _PathArgument) -> None:
    """Delete a resource to which nothing refers."""
    connect().delete(f"/resources/{segments(path)}")
    emit({"path": path}, f"{path} is deleted.")


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise CommandFailed(f"The value is no JSON: {error}.", ExitCode.USAGE) from error
