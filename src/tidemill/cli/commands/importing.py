"""`tidemill items import`: a file of any tool becomes work items, or nothing does."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import uuid4

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
    ("PLACE", "place"),
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


class ImportFormat(StrEnum):
    """Which tool wrote a file."""

    CSV = "csv"
    JIRA = "jira"
    GITHUB = "github"
    TRELLO = "trello"
    PLANE = "plane"
    REDMINE = "redmine"
    VIKUNJA = "vikunja"
    TIDEMILL = "tidemill"


class _Sent:
    """A file as it is sent: alone, or in a form beside its mapping."""

    def __init__(self, content: bytes, mapping: bytes | None) -> None:
        self.content_type = "text/csv"
        self.body = content
        if mapping is not None:
            boundary = uuid4().hex
            self.content_type = f"multipart/form-data; boundary={boundary}"
            self.body = b"".join(
                (
                    _part(boundary, 'name="mapping"', mapping),
                    _part(boundary, 'name="file"; filename="file"', content),
                    f"--{boundary}--\r\n".encode(),
                )
            )


@import_app.command(
    "import",
    examples=(
        "tidemill items import backlog.csv -p TM --dry-run",
        "tidemill items import backlog.csv -p TM",
        "tidemill items import backlog.csv -p TM --valid-rows",
        "tidemill items import jira.csv -p TM --format jira --mapping mapping.json",
    ),
)
def import_(  # noqa: PLR0913, PLR0917 - each parameter is an option
    file: Annotated[
        Path, typer.Argument(help="A CSV file with a heading line, or JSON of a tool.")
    ],
    project: Annotated[str, typer.Option("--project", "-p", help="Its key or id.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check all, write nothing.")] = False,
    valid_rows: Annotated[
        bool, typer.Option("--valid-rows", help="Import what is valid, report the rest.")
    ] = False,
    format_: Annotated[
        ImportFormat, typer.Option("--format", help="The tool that wrote the file.")
    ] = ImportFormat.CSV,
    source: Annotated[
        str | None, typer.Option("--source", help="What stands before the ids of the file.")
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option("--mapping", help="JSON: what columns and words mean.")
    ] = None,
) -> None:
    """Import work items from a file: all rows, or none when one is wrong."""
    content = _content(file)
    sent = _Sent(content, None if mapping is None else _content(mapping))
    query = {
        "dry_run": "true" if dry_run else None,
        "mode": "valid_rows" if valid_rows else None,
        "format": None if format_ is ImportFormat.CSV else format_.value,
        "source": source,
    }
    client = connect()
    # The server answers once, at the end.
    rows = max(content.count(b"\n") - 1, 0)
    size = f"{len(content)} bytes" if content[:1] in {b"{", b"["} else f"about {rows} rows"
    with progress.shown(f"Importing {file.name}: {size}"):
        report = _report(client, project, sent, query)
    emit(report, lambda: _told(report))
    if report["rows_wrong"]:
        raise typer.Exit(ExitCode.FAILED)


def _report(
    client: Client, project: str, sent: _Sent, query: dict[str, str | None]
) -> dict[str, Any]:
    """Return the server's report; of a file that it rejected, what a dry run says of each row."""
    try:
        return _ask(client, project, sent, query)
    except AnsweredWithError as error:
        if error.code != "IMPORT_REJECTED":
            raise
    checked = _ask(client, project, sent, {**query, "dry_run": "true"})
    return {**checked, "status": "rejected"}


def _ask(client: Client, project: str, sent: _Sent, query: dict[str, str | None]) -> dict[str, Any]:
    request = Request(
        "POST",
        f"{API}/projects/{segment(project)}/imports",
        query=query,
        body=sent.body,
        headers={"Content-Type": sent.content_type},
    )
    report: dict[str, Any] = client.ask_once(request, timeout=answer_seconds_max).json()
    return report


def _part(boundary: str, name: str, content: bytes) -> bytes:
    heading = f"--{boundary}\r\nContent-Disposition: form-data; {name}\r\n\r\n"
    return heading.encode() + content + b"\r\n"


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise CommandFailed(f"{file} cannot be read: {error.strerror}.", ExitCode.USAGE) from error


def _told(report: dict[str, Any]) -> str:
    wrong = [
        {"place": row.get("path") or row["line"], **problem}
        for row in report["rows"]
        for problem in row["problems"]
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
    if report.get("left_out"):
        told.append(f"Left out: {'; '.join(report['left_out'])}.")
    if report.get("titles_there_already"):
        told.append(
            f"{report['rows_without_id']} rows have no id of their own, and items with the same "
            "titles are there already; with a column external_id a repeated import changes nothing."
        )
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
    if report.get("comments_created") or report.get("dependencies_created"):
        counts += (
            f", {report['comments_created']} comments and "
            f"{report['dependencies_created']} dependencies with them"
        )
    return "\n".join([*told, f"{_OUTCOMES[report['status']]}: {counts}."])


def _kinds(wrong: list[dict[str, Any]]) -> Counter[str]:
    return Counter(
        f"{problem['column'] or 'row'}: {problem['problem']}".rstrip(".") for problem in wrong
    )
