"""`tidemill items import`: a CSV file becomes work items, or nothing does."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from tidemill.cli import progress
from tidemill.cli.client import API, Client, connect, segment
from tidemill.cli.failures import AnsweredWithError, CommandFailed, ExitCode
from tidemill.cli.http import Request
from tidemill.cli.lazy import single
from tidemill.cli.output import Column, emit, table, window_width

import_app = single()
answer_seconds_max: Final = 600.0
problems_told_max: Final = 20

_PROBLEMS: list[Column] = [
    ("LINE", "line"),
    ("COLUMN", "column"),
    ("VALUE", "value"),
    ("PROBLEM", "problem"),
    ("EXPECTED", "expected"),
]
_OUTCOMES: Final = {
    "imported": "Imported",
    "checked": "Checked, nothing written",
    "rejected": "Nothing was imported",
}


@import_app.command(
    "import",
    examples=(
        "tidemill items import backlog.csv -p TM --dry-run",
        "tidemill items import backlog.csv -p TM",
        "tidemill items import backlog.csv -p TM --valid-rows",
    ),
)
def import_(
    file: Annotated[Path, typer.Argument(help="A CSV file with a heading line.")],
    project: Annotated[str, typer.Option("--project", "-p", help="Its key or id.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check all, write nothing.")] = False,
    valid_rows: Annotated[
        bool, typer.Option("--valid-rows", help="Import what is valid, report the rest.")
    ] = False,
) -> None:
    """Import work items from a CSV file: all rows, or none when one is wrong."""
    content = _content(file)
    query = {
        "dry_run": "true" if dry_run else None,
        "mode": "valid_rows" if valid_rows else None,
    }
    client = connect()
    # The server answers once, at the end.
    rows = max(content.count(b"\n") - 1, 0)
    with progress.shown(f"Importing {file.name}: about {rows} rows"):
        report = _report(client, project, content, query)
    emit(report, lambda: _told(report))
    if report["rows_wrong"]:
        raise typer.Exit(ExitCode.FAILED)


def _report(
    client: Client, project: str, content: bytes, query: dict[str, str | None]
) -> dict[str, Any]:
    """Return the server's report; of a file that it rejected, what a dry run says of each row."""
    try:
        return _ask(client, project, content, query)
    except AnsweredWithError as error:
        if error.code != "IMPORT_REJECTED":
            raise
    checked = _ask(client, project, content, {**query, "dry_run": "true"})
    return {**checked, "status": "rejected"}


def _ask(
    client: Client, project: str, content: bytes, query: dict[str, str | None]
) -> dict[str, Any]:
    request = Request(
        "POST",
        f"{API}/projects/{segment(project)}/imports",
        query=query,
        body=content,
        headers={"Content-Type": "text/csv"},
    )
    report: dict[str, Any] = client.ask(request, timeout=answer_seconds_max).json()
    return report


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise CommandFailed(f"{file} cannot be read: {error.strerror}.", ExitCode.USAGE) from error


def _told(report: dict[str, Any]) -> str:
    wrong = [
        {"line": row["line"], **problem} for row in report["rows"] for problem in row["problems"]
    ]
    told = [table(wrong[:problems_told_max], _PROBLEMS, window_width()), ""] if wrong else []
    if len(wrong) > problems_told_max:
        told += [f"… and {len(wrong) - problems_told_max} more; --json tells all. By kind:"]
        told += [f"  {count} times {kind}" for kind, count in _kinds(wrong).most_common()] + [""]
    if report["encoding"] != "utf-8":
        told.append(f"Read as {report['encoding']}, not UTF-8: look at letters with accents.")
    unused = [column["header"] for column in report["columns"] if column["field"] is None]
    if unused:
        told.append(f"Columns that nothing was taken from: {', '.join(unused)}.")
    written, made = report["rows_created"], "created"
    if report["status"] == "checked":
        made = "would be created"
        written = report["rows_total"] - report["rows_already_imported"] - report["rows_wrong"]
    counts = (
        f"{report['rows_total']} rows, {written} {made}, "
        f"{report['rows_already_imported']} imported before, {report['rows_wrong']} wrong"
    )
    if not report["rows_total"]:
        counts = "no rows: the file has nothing below its heading"
    return "\n".join([*told, f"{_OUTCOMES[report['status']]}: {counts}."])


def _kinds(wrong: list[dict[str, Any]]) -> Counter[str]:
    return Counter(
        f"{problem['column'] or 'row'}: {problem['problem']}".rstrip(".") for problem in wrong
    )
