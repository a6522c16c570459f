"""`tidemill variables`."""

from __future__ import annotations

import sys
from http import HTTPStatus
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from tidemill.cli.client import connect, segments
from tidemill.cli.failures import AnsweredWithError, CommandFailed, ExitCode
from tidemill.cli.lazy import group
from tidemill.cli.options import All, Limit, limit_of
from tidemill.cli.output import Column, emit, emit_rows, when

app = group("Keep texts and secrets that scripts read.")

_COLUMNS: list[Column] = [
    ("PATH", "path"),
    ("SECRET", lambda row: "yes" if row["is_secret"] else "no"),
    ("DESCRIPTION", "description"),
    ("CHANGED", when("updated_at")),
]
_PathArgument = Annotated[str, typer.Argument(help="The variable's path.")]


@app.command("list", examples=("tidemill variables list",))
def list_(limit: Limit = 50, all_: All = False) -> None:
    """List variables and secrets, without their values."""
    rows = list(connect().pages("/variables", limit=limit_of(limit, all_)))
    emit_rows(rows, _COLUMNS, "No variables yet. Make one: tidemill variables set PATH VALUE")


@app.command(examples=("tidemill variables get mail/password",))
def get(path: _PathArgument) -> None:
    """Print the value of a variable or secret; reading a secret is audited."""
    client = connect()
    try:
        found = client.get(f"/variables/value?path={quote(path, safe='')}")
    except AnsweredWithError as error:
        # Who may not read secrets reads plain variables all the same.
        if error.status != HTTPStatus.FORBIDDEN:
            raise
        plain = client.get(f"/variables/{segments(path)}")
        if plain["is_secret"]:
            raise
        found = {"path": plain["path"], "value": plain["value"], "secrets": []}
    emit(found, str(found["value"]))


@app.command(
    "set",
    examples=(
        "tidemill variables set harbour/station west",
        "tidemill variables set mail/password --secret --from-file password.txt",
        "pass show mail | tidemill variables set mail/password --secret",
    ),
)
def set_(
    path: _PathArgument,
    value: Annotated[
        str | None, typer.Argument(help="Its value; else it is asked for, or read from a pipe.")
    ] = None,
    secret: Annotated[
        bool | None, typer.Option("--secret/--plain", help="Whether to seal it; else as before.")
    ] = None,
    from_file: Annotated[
        Path | None, typer.Option("--from-file", help="A file with the value.")
    ] = None,
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
) -> None:
    """Make a variable or secret, or change it. Other people of this machine see arguments."""
    body = {
        "value": _value(value, from_file, secret=secret),
        "is_secret": secret,
        "description": description,
    }
    made = connect().put(f"/variables/{segments(path)}", body)
    kind = "secret" if made["is_secret"] else "variable"
    emit(made, f"The {kind} {made['path']} is at version {made['version']}.")


@app.command(examples=("tidemill variables delete harbour/station",))
def delete(path: _PathArgument) -> None:
    """Delete a variable or secret to which nothing refers."""
    connect().delete(f"/variables/{segments(path)}")
    emit({"path": path}, f"{path} is deleted.")


def _value(value: str | None, file: Path | None, *, secret: bool | None) -> str:
    if value is not None and file is not None:
        raise CommandFailed("Give the value or --from-file, not both.", ExitCode.USAGE)
    if value is not None:
        return value
    read = _read(file)
    if not read and secret is not False:
        # A command that failed before the pipe must not wipe out a secret.
        raise CommandFailed(
            "The value that was read is empty. To store an empty one, give '' as VALUE.",
            ExitCode.USAGE,
        )
    return read


def _read(file: Path | None) -> str:
    if file is not None:
        return _content(file)
    if sys.stdin.isatty():
        return str(typer.prompt("Value", hide_input=True, err=True))
    return sys.stdin.read().removesuffix("\n")


def _content(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").removesuffix("\n")
    except OSError as error:
        raise CommandFailed(f"{file} cannot be read: {error.strerror}.", ExitCode.USAGE) from error
    except UnicodeDecodeError as error:
        raise CommandFailed(f"{file} is not UTF-8 text.", ExitCode.USAGE) from error
