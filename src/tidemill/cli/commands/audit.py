"""`tidemill audit`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from tidemill.cli import progress
from tidemill.cli.client import API, Client, connect
from tidemill.cli.failures import CommandFailed, ExitCode
from tidemill.cli.http import Request
from tidemill.cli.lazy import group
from tidemill.cli.options import All, Limit, limit_of
from tidemill.cli.output import Column, emit, emit_rows, line, printable, wants_json, when
from tidemill.cli.people import actor_id_of
from tidemill.cli.times import instant_of

app = group("Query, export and verify the audit log.")
export_seconds_max = 3600.0


def who(row: Any, names: Mapping[str, str]) -> str:
    """Return who acted, and on whose behalf; `names` tells those of users by their ids."""
    actor = row.get("actor") or {}
    kind, id_ = actor.get("kind"), str(actor.get("id"))
    name = names[id_] if kind == "user" and id_ in names else f"{kind}:{id_}"
    behalf = actor.get("on_behalf_of")
    return f"{name} for {names.get(behalf, behalf)}" if behalf else name


def _columns(names: Mapping[str, str]) -> list[Column]:
    return [
        ("WHEN", when("at")),
        ("WHO", partial(who, names=names)),
        ("ACTION", "action"),
        ("RESOURCE", "resource"),
        ("ADDRESS", "address"),
    ]


Since = Annotated[str | None, typer.Option(help="Since then, or in the last 2h, 1d, …")]
Until = Annotated[str | None, typer.Option(help="Before then, or before 2h ago.")]


@app.command(
    "list",
    examples=(
        "tidemill audit list",
        "tidemill audit list --actor ada@example.org --since 1d",
        "tidemill audit list --action jobs.jobs.create --json",
    ),
)
def list_(  # noqa: PLR0913, PLR0917 - one for each filter
    action: Annotated[str | None, typer.Option(help="Only this action.")] = None,
    actor: Annotated[
        str | None, typer.Option(help="Only by them: an e-mail address or an id.")
    ] = None,
    resource: Annotated[str | None, typer.Option(help="Only on this, e.g. project:ID.")] = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 50,
    all_: All = False,
) -> None:
    """List who did what, newest first."""
    client = connect()
    query = {
        "action": action,
        "actor": actor_id_of(client, actor),
        "resource": resource,
        "since": instant_of(since),
        "until": instant_of(until),
    }
    rows = list(client.pages("/audit-events", limit=limit_of(limit, all_), **query))
    names = {} if wants_json() or not rows else _names(client)
    emit_rows(rows, _columns(names), "Nothing matches.")


@app.command(examples=("tidemill audit export --output audit.ndjson",))
def export(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Else standard out.")
    ] = None,
    since: Since = None,
    until: Until = None,
) -> None:
    """Export the audit log, one JSON document a line."""
    query = {"since": instant_of(since), "until": instant_of(until)}
    request = Request("GET", f"{API}/audit-events/export", query=query)
    request.headers["Accept"] = "application/x-ndjson"
    with progress.shown("Reading the audit log"):
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
    emit({"file": str(output), "lines": lines}, f"{lines} lines are in {output}.")


@app.command(examples=("tidemill audit verify", "tidemill audit verify --json"))
def verify() -> None:
    """Walk the tenant's whole audit chain; name each line that was changed, removed or cut."""
    found = connect().ask(Request("POST", f"{API}/audit-verifications"), timeout=600.0).json()
    emit(found, lambda: _told(found))
    if not found["holds"]:
        raise typer.Exit(ExitCode.FAILED)


def _names(client: Client) -> dict[str, str]:
    members = client.pages("/members", limit=None)
    return {row["user_id"]: row.get("email") or row["name"] for row in members}


def _told(found: dict[str, Any]) -> str:
    if found["holds"]:
        kept = found["witnessed_seq"]
        apart = f"; its head was kept apart at line {kept}" if kept else ""
        return f"The chain of {found['lines']} lines holds{apart}."
    # Not a table: its cells are cut, and the end of a message is what somebody has to know.
    problems = [printable(f"{one['kind']:<8} {one['message']}") for one in found["problems"]]
    return "\n".join((*problems, "", "The chain does not hold."))
