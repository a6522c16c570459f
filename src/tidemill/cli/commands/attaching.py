"""`tidemill items attach`, `attachments`, `download` and `detach`."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import IO, Annotated, Any, Final

import typer

from tidemill.cli import progress
from tidemill.cli.client import API, Client, connect, segment
from tidemill.cli.failures import AnsweredWithError, CommandFailed, ExitCode, ServerUnreachable
from tidemill.cli.http import Request
from tidemill.cli.lazy import group
from tidemill.cli.options import All, Limit, limit_of
from tidemill.cli.output import Column, emit, emit_rows, when

attaching_app = group("Keep files on work items.")

_part_bytes: Final = 256 * 1024
_STANDARD: Final = "-"
_COLUMNS: list[Column] = [
    ("NAME", "name"),
    ("TYPE", "media_type"),
    ("BYTES", "size"),
    ("BY", lambda row: row["created_by"]["name"] or row["created_by"]["id"]),
    ("ATTACHED", when("created_at")),
    ("ID", "id"),
]
Item = Annotated[str, typer.Argument(help="The item's key, such as TM-1, or its id.")]
Attachment = Annotated[str, typer.Argument(help="The attachment's id.")]


@attaching_app.command(
    examples=("tidemill items attach TM-1 photo.png", "tidemill items attach TM-1 *.log")
)
def attach(
    item: Item, files: Annotated[list[Path], typer.Argument(help="One or more files.")]
) -> None:
    """Attach files to a work item."""
    client = connect()
    made: list[dict[str, Any]] = []
    for file in files:
        try:
            made.append(_sent(client, item, file))
        except CommandFailed as error:
            if isinstance(error, AnsweredWithError) and len(files) > 1:
                error.message = f"{file}: {error.message}"
            if made:
                error.message = f"{error.message} Attached before it: {_names(made)}."
            raise
    told = "\n".join(f"Attached {one['name']} to {item}: {one['id']}" for one in made)
    emit(made, told)


@attaching_app.command(examples=("tidemill items attachments TM-1",))
def attachments(item: Item, limit: Limit = 50, all_: All = False) -> None:
    """List the files of a work item, oldest first."""
    address = f"/work-items/{segment(item)}/attachments"
    rows = list(connect().pages(address, limit=limit_of(limit, all_)))
    emit_rows(rows, _COLUMNS, "No files.")


@attaching_app.command(
    examples=(
        "tidemill items download 0192…",
        "tidemill items download 0192… --output logs/gauge.log --force",
    )
)
def download(
    attachment: Attachment,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", help="Where to; - is standard output."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Save a file of a work item, under its own name unless you give another."""
    client = connect()
    told = client.get(f"/attachments/{segment(attachment)}")
    if output == _STANDARD:
        _receive(client, told, sys.stdout.buffer)
        return
    # The server lets no part of a path through; whoever answers here may be another server.
    place = Path(output) if output is not None else Path(Path(told["name"]).name)
    if place.exists() and not force:
        raise CommandFailed(
            f"{place} is there already; --force replaces it, --output names another.",
            ExitCode.CONFLICT,
        )
    with _draft_of(place) as draft:
        _receive(client, told, draft)
    emit({**told, "saved_as": str(place)}, f"Saved {told['size']} bytes as {place}.")


@attaching_app.command(examples=("tidemill items detach 0192…",))
def detach(attachment: Attachment) -> None:
    """Take a file off its work item."""
    connect().delete(f"/attachments/{segment(attachment)}")
    emit({"attachment": attachment}, f"Deleted {attachment}.")


def _sent(client: Client, item: str, file: Path) -> dict[str, Any]:
    try:
        with file.open("rb") as content, progress.shown(f"Attaching {file.name}"):
            request = Request(
                "POST",
                f"{API}/work-items/{segment(item)}/attachments",
                query={"name": file.name},
                body=content,
                headers={
                    "Content-Type": "application/octet-stream",
                    "Content-Length": str(os.fstat(content.fileno()).st_size),
                },
            )
            made: dict[str, Any] = client.ask(request).json()
            return made
    except OSError as error:
        raise CommandFailed(f"{file} cannot be read: {error.strerror}.", ExitCode.USAGE) from error


def _names(made: list[dict[str, Any]]) -> str:
    return ", ".join(one["name"] for one in made)


def _receive(client: Client, told: Mapping[str, Any], into: IO[bytes]) -> None:
    """Copy the file into `into`; a copy that is not the file that was attached is refused."""
    digest = hashlib.sha256()
    with client.content(f"/attachments/{told['id']}/content") as answer:
        while part := _read(client, answer):
            digest.update(part)
            into.write(part)
    into.flush()
    if digest.hexdigest() != told["sha256"]:
        raise CommandFailed("What came is not the file that was attached. Try again.")


def _read(client: Client, answer: HTTPResponse) -> bytes:
    try:
        return answer.read(_part_bytes)
    except (OSError, HTTPException) as error:
        raise ServerUnreachable(client.url, f"the file broke off: {error}") from error


@contextmanager
def _draft_of(place: Path) -> Iterator[IO[bytes]]:
    """Open a file that gets the name `place` when all of it is there."""
    draft = place.with_name(f".{place.name}.part")
    try:
        with draft.open("wb") as file:
            yield file
        draft.replace(place)
    except OSError as error:
        raise CommandFailed(f"{place} cannot be written: {error.strerror}.") from error
    finally:
        draft.unlink(missing_ok=True)
