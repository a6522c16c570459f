"""`tidemill projects import`: a document, or an archive, becomes a project again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO, Annotated, Any, Final

import typer

from tidemill.cli import progress
from tidemill.cli.client import API, Client, connect
from tidemill.cli.failures import AnsweredWithError, CommandFailed, ExitCode
from tidemill.cli.http import Request
from tidemill.cli.lazy import single
from tidemill.cli.output import Column, emit, table, window_width

project_import_app = single()
answer_seconds_max: Final = 3600.0
problems_told_max: Final = 20
_PROBLEMS: list[Column] = [
    ("PLACE", "place"),
    ("KEY", "key"),
    ("FIELD", "column"),
    ("PROBLEM", "problem"),
    ("EXPECTED", "expected"),
]
_OUTCOMES: Final = {
    "imported": "Imported",
    "checked": "Checked, nothing written",
    "already_imported": "Imported before, nothing changed",
    "rejected": "Nothing was imported",
}


@project_import_app.command(
    "import",
    examples=(
        "tidemill projects import tm.zip --dry-run",
        "tidemill projects import tm.zip",
        "tidemill projects import tm.json --key SEA",
    ),
)
def import_(
    file: Annotated[Path, typer.Argument(help="What projects export wrote as zip or json.")],
    key: Annotated[
        str | None, typer.Option(help="The key of the new project, if not that of the document.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check all, write nothing.")] = False,
) -> None:
    """Make a project of what another one was exported to; admins only."""
    query = {"key": key, "dry_run": "true" if dry_run else None}
    try:
        with file.open("rb") as content, progress.shown(f"Importing {file.name}"):
            report = _report(connect(), content, query)
    except OSError as error:
        raise CommandFailed(f"{file} cannot be read: {error.strerror}.", ExitCode.USAGE) from error
    emit(report, lambda: _told(report))
    if report["parts_wrong"]:
        raise typer.Exit(ExitCode.FAILED)


def _report(client: Client, content: IO[bytes], query: dict[str, str | None]) -> dict[str, Any]:
    """Return the server's report; where it rejected the file, what a dry run says of it."""
    try:
        return _ask(client, content, query)
    except AnsweredWithError as error:
        if error.code != "PROJECT_IMPORT_REJECTED":
            raise
    checked = _ask(client, content, {**query, "dry_run": "true"})
    return {**checked, "status": "rejected"}


def _ask(client: Client, content: IO[bytes], query: dict[str, str | None]) -> dict[str, Any]:
    content.seek(0)
    request = Request(
        "POST",
        f"{API}/project-imports",
        query=query,
        body=content,
        headers={
            "Content-Type": "application/octet-stream",
            "Content-Length": str(os.fstat(content.fileno()).st_size),
        },
    )
    report: dict[str, Any] = client.ask_once(request, timeout=answer_seconds_max).json()
    return report


def _told(report: dict[str, Any]) -> str:
    wrong = [
        {"place": part["path"], "key": part["key"], **problem}
        for part in report["wrong"]
        for problem in part["problems"]
    ]
    told = [table(wrong[:problems_told_max], _PROBLEMS, window_width()), ""] if wrong else []
    if len(wrong) > problems_told_max:
        told.append(f"… and {len(wrong) - problems_told_max} more; --json tells all.")
    if report["people_named"]:
        names = ", ".join(report["people_named"])
        told.append(f"No members here, and shown by name alone: {names}.")
    if report["left_out"]:
        told.append(f"Left out: {'; '.join(report['left_out'])}.")
    counts = ", ".join(
        f"{count} {what.replace('_', ' ')}" for what, count in report["counts"].items() if count
    )
    outcome = _OUTCOMES[report["status"]]
    of = f" {report['project_key']}" + (f": {counts}" if counts else "")
    return "\n".join([*told, f"{outcome}:{of}."])
