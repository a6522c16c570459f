"""Commands of `tidemill jobs` that carry the queue out and in."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from tidemill.cli import progress
from tidemill.cli.client import API, Client, connect
from tidemill.cli.failures import AnsweredWithError, CommandFailed, ExitCode
from tidemill.cli.http import Request
from tidemill.cli.lazy import Commands
from tidemill.cli.output import emit, note

lines_per_request: Final = 500
_lines_told_max: Final = 20
_STANDARD: Final = "-"
_NDJSON: Final = {"Content-Type": "application/x-ndjson"}

File = Annotated[str, typer.Argument(help="A file of lines; - is standard input or output.")]


def export(
    file: File,
    history: Annotated[
        bool, typer.Option("--history", help="Jobs that have ended too, with their results.")
    ] = False,
) -> None:
    """Write the jobs that have not ended to a file, one JSON document a line."""
    client = connect()
    count = 0
    with client.stream("/job-export", history=str(history).lower()) as response:
        if file == _STANDARD:
            for line in response:
                sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()
            return
        try:
            with Path(file).open("wb") as out, progress.shown("Jobs written") as show:
                for line in response:
                    out.write(line)
                    count += 1
                    if count % lines_per_request == 0:
                        show(count)
        except OSError as error:
            told = f"{file} cannot be written: {error.strerror or error}."
            raise CommandFailed(told, ExitCode.USAGE) from error
    emit({"file": file, "lines": count}, f"{count} jobs are in {file}.")


def import_(
    file: File,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check every line, and import nothing.")
    ] = False,
) -> None:
    """Import jobs that an export wrote; lines that come twice make nothing double."""
    client = connect()
    total: dict[str, Any] = {"lines": 0, "imported": 0, "known": 0, "skipped": 0}
    with progress.shown("Lines read") as show:
        for portion in _portions(file):
            found = _import(client, portion, total["lines"], dry_run=dry_run)
            for name in total:
                total[name] += found[name]
            show(total["lines"])
    verb = "would be imported" if dry_run else "were imported"
    told = f"{total['imported']} of {total['lines']} lines {verb}; {total['known']} were here"
    emit({**total, "dry_run": dry_run}, f"{told}, {total['skipped']} have ended.")


def add_to(app: Commands) -> None:
    """Put the commands of this file into the group."""
    app.command(examples=("tidemill jobs export queue.ndjson",))(export)
    app.command("import", examples=("tidemill jobs import queue.ndjson --dry-run",))(import_)


def _import(client: Client, portion: bytes, before: int, *, dry_run: bool) -> dict[str, Any]:
    """Import a portion, which comes after `before` lines; tell which of its lines are wrong."""
    path = f"{API}/job-import"
    query = {"dry_run": str(dry_run).lower()}
    request = Request("POST", path, query=query, body=portion, headers=_NDJSON)
    try:
        found: dict[str, Any] = client.ask(request).json()
    except AnsweredWithError as error:
        wrong = error.body.get("errors", []) if isinstance(error.body, dict) else []
        error.errors = [{**one, "line": before + one["line"]} for one in wrong]
        for one in error.errors[:_lines_told_max]:
            note(f"line {one['line']}: {one['message']}")
        raise
    return found


def _portions(file: str) -> Iterator[bytes]:
    try:
        with open(0 if file == _STANDARD else file, "rb") as lines:  # noqa: PTH123 - 0 is stdin
            portion: list[bytes] = []
            for line in lines:
                portion.append(line)
                if len(portion) == lines_per_request:
                    yield b"".join(portion)
                    portion = []
            if portion:
                yield b"".join(portion)
    except OSError as error:
        raise CommandFailed(f"{file} cannot be read: {error.strerror}.", ExitCode.USAGE) from error
