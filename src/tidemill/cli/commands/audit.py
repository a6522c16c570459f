"""`tidemill audit`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tidemill.cli.client import API, connect
from tidemill.cli.failures import CommandFailed, ExitCode
from tidemill.cli.http import Request
from tidemill.cli.lazy import group
from tidemill.cli.options import All, Limit, limit_of
from tidemill.cli.output import Column, emit, emit_rows, line, note, table, when

app = group("Query, export and verify the audit log.")
export_seconds_max = 3600.0


def who(row: Any) -> str:
    """Return who acted, and on whose behalf."""
    actor = row.get("actor") or {}
    name = f"{actor.get('kind')}:{actor.get('id')}"
    behalf = actor.get("on_behalf_of")
    return f"{name} for {behalf}" if behalf else name


_COLUMNS: list[Column] = [
    ("WHEN", when("at")),
    ("WHO", who),
    ("ACTION", "action"),
    ("RESOURCE", "resource"),
    ("REQUEST", "request_id"),
    ("ADDRESS", "address"),
]

Since = Annotated[str | None, typer.Option(help="Only from this instant on (RFC 3339).")]
Until = Annotated[str | None, typer.Option(help="Only before this instant (RFC 3339).")]


@app.command(
    "list",
    examples=("tidemill audit list", "tidemill audit list --action jobs.jobs.create --json"),
)
def list_(  # noqa: PLR0913, PLR0917 - one for each filter
    action: Annotated[str | None, typer.Option(help="Only this action.")] = None,
    actor: Annotated[str | None, typer.Option(help="Only by this actor's id.")] = None,
    resource: Annotated[str | None, typer.Option(help="Only on this, e.g. project:ID.")] = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 50,
    all_: All = False,
) -> None:
    """List who did what, newest first."""
    query = {"action": action, "actor": actor, "resource": resource, "since": since, "until": until}
    rows = list(connect().pages("/audit-events", limit=limit_of(limit, all_), **query))
    emit_rows(rows, _COLUMNS, "Nothing matches.")


@app.command(examples=("tidemill audit export --output audit.ndjson",))
def export(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Else standard out.")
    ] = None,
    since: Since = None,
    until: Until = None,
) -> None:
    """Export the audit log, one JSON document a line."""
    query = {"since": since, "until": until}
    request = Request("GET", f"{API}/audit-events/export", query=query)
    request.headers["Accept"] = "application/x-ndjson"
    body = connect().ask(request, timeout=export_seconds_max).body
    if output is None:
        line(body.decode().rstrip("\n"))
        return
    try:
        output.write_bytes(body)
    except OSError as error:
        raise CommandFailed(
            f"{output} cannot be written: {error.strerror}.", ExitCode.USAGE
        ) from error
    lines = body.count(b"\n")
    note(f"Wrote {lines} lines to {output}.")


@app.command(examples=("tidemill audit verify", "tidemill audit verify --json"))
def verify() -> None:
    """Walk the tenant's whole audit chain; name each line that was changed, removed or cut."""
    found = connect().ask(Request("POST", f"{API}/audit-verifications"), timeout=600.0).json()
    emit(found, lambda: _told(found))
    if not found["holds"]:
        raise typer.Exit(ExitCode.FAILED)


def _told(found: dict[str, Any]) -> str:
    if found["holds"]:
        kept = found["witnessed_seq"]
        apart = f"; its head was kept apart at line {kept}" if kept else ""
        return f"The chain of {found['lines']} lines holds{apart}."
    problems: list[Column] = [("LINE", "seq"), ("KIND", "kind"), ("MEANING", "message")]
    return f"{table(found['problems'], problems)}\n\nThe chain does not hold."
