"""Commands of `tidemill schedules` that write schedules to a file, and take them from one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from tidemill.cli.client import Client, connect
from tidemill.cli.failures import AnsweredWithError, CommandFailed, ExitCode
from tidemill.cli.lazy import Commands
from tidemill.cli.output import emit, note

# What the server adds to a definition, and would not take back.
_STATE: Final = frozenset(
    {
        "id", "paused", "paused_until", "next_at", "failures", "owner_id", "version",
        "created_at", "created_by", "updated_at", "updated_by",
    }
)  # fmt: skip
# What a schedule has besides its definition.
_APART: Final = frozenset({"path", "enabled"})


def export() -> None:
    """Print all schedules as JSON, for `import`."""
    rows = [_exported(row) for row in connect().pages("/schedules", limit=None)]
    emit(rows, lambda: json.dumps(rows, indent=2, ensure_ascii=False))


def import_(
    file: Annotated[Path, typer.Argument(help="JSON: a list of schedules with their paths.")],
) -> None:
    """Make or replace schedules as a file says; others stay.

    All are checked before the first is written. Each is written by itself: one that only writing
    finds wrong, since its script is not there, is told, and the others are imported. Those that
    are as the file says already are left alone, so the file can be imported again.
    """
    client = connect()
    rows = _read(file)
    for row in rows:
        with _naming(row):
            _check(client, row)
    known = {row["path"]: row for row in client.pages("/schedules", limit=None)}
    done: list[Any] = []
    wrong: list[AnsweredWithError] = []
    written = 0
    for row in _in_order(rows):
        there = known.get(row["path"].strip("/"))
        if there is not None and _exported(there) == {**row, "path": there["path"]}:
            done.append(there)
            continue
        try:
            done.append(_put(client, row, None if there is None else there["id"]))
            written += 1
        except AnsweredWithError as error:
            error.errors = [{"path": row["path"], "code": error.code, "message": error.message}]
            wrong.append(error)
    told = f"{len(done)} of {len(rows)} schedules are as {file} says; {written} were written."
    if wrong:
        raise _all_of(wrong, told)
    emit(done, told)


def add_to(app: Commands) -> None:
    """Put the commands of this file into the group."""
    app.command(examples=("tidemill schedules export > schedules.json",))(export)
    app.command("import", examples=("tidemill schedules import schedules.json",))(import_)


@contextmanager
def _naming(row: dict[str, Any]) -> Iterator[None]:
    """Say of which schedule an error is, before anything was written."""
    try:
        yield
    except AnsweredWithError as error:
        error.message = f"{row['path']}: {error.message} Nothing was imported."
        raise


def _all_of(wrong: list[AnsweredWithError], told: str) -> AnsweredWithError:
    """Return the first error with what is wrong with each schedule."""
    first, parts = wrong[0], [part for error in wrong for part in error.errors]
    for part in parts:
        note(f"{part['path']}: {part['message']}")
    first.message, first.errors = f"{told} Those that were named are not.", parts
    return first


def _exported(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in _STATE}


def _check(client: Client, row: dict[str, Any]) -> None:
    """Raise what is wrong with a definition by itself; it need not be there for that."""
    definition = {name: value for name, value in row.items() if name not in _APART}
    client.post("/schedules/preview", {**definition, "count": 1})


def _put(client: Client, row: dict[str, Any], id_: str | None) -> Any:
    if id_ is None:
        return client.post("/schedules", row)
    body = {name: value for name, value in row.items() if name != "path"}
    return client.put(f"/schedules/{id_}", body)


def _in_order(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return `rows` so that each comes after those that it runs after."""
    left, ordered = list(rows), []
    while left:
        waiting = {row["path"] for row in left}
        ready = [
            row
            for row in left
            if not waiting & {one["path"] for one in row.get("after", [])} - {row["path"]}
        ]
        # A cycle has no order; the server says which one it is.
        ordered += ready or left
        left = [row for row in left if row not in ready] if ready else []
    return ordered


def _read(file: Path) -> list[dict[str, Any]]:
    try:
        rows = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise CommandFailed(f"{file} cannot be read: {error.strerror}.", ExitCode.USAGE) from error
    except ValueError as error:
        raise CommandFailed(f"{file} is no JSON: {error}.", ExitCode.USAGE) from error
    if not isinstance(rows, list) or not all(
        isinstance(row, dict) and isinstance(row.get("path"), str) for row in rows
    ):
        raise CommandFailed(f"{file} holds no list of schedules with paths.", ExitCode.USAGE)
    return rows
