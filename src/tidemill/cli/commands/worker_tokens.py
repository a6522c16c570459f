"""`tidemill worker-tokens`."""

from __future__ import annotations

from typing import Annotated

import typer

from tidemill.cli.client import Client, connect, segment
from tidemill.cli.lazy import group
from tidemill.cli.options import All, Limit, limit_of
from tidemill.cli.output import Column, emit, emit_rows, note, when

app = group("Make, list and revoke the tokens of workers on other machines.")

_COLUMNS: list[Column] = [
    ("ID", "id"),
    ("NAME", "name"),
    ("TAGS", "tags"),
    ("TENANTS", "tenants"),
    ("EXPIRES", when("expires_at")),
    ("LAST USED", when("last_used_at")),
    ("REVOKED", when("revoked_at")),
]


@app.command("list", examples=("tidemill worker-tokens list",))
def list_(limit: Limit = 50, all_: All = False) -> None:
    """List the worker tokens; the secrets themselves are never shown again."""
    rows = list(connect().pages("/worker-tokens", limit=limit_of(limit, all_)))
    emit_rows(rows, _COLUMNS, "No worker tokens.")


@app.command(
    examples=(
        "tidemill worker-tokens create site-b > worker.token",
        "tidemill worker-tokens create gpus --tag gpu --days 90",
    )
)
def create(
    name: Annotated[str, typer.Argument(help="What it is for, such as where its workers are.")],
    tag: Annotated[
        list[str] | None, typer.Option(help="A tag that its workers may take; repeatable.")
    ] = None,
    tenant: Annotated[
        list[str] | None,
        typer.Option(help="The id of a tenant whose jobs they may take; repeatable."),
    ] = None,
    days: Annotated[int, typer.Option(help="How long it lives.")] = 365,
) -> None:
    """Make a worker token. Its secret is printed this once.

    Without --tag and --tenant its workers may take every job of the installation.
    """
    wanted = {"name": name, "tags": tag, "tenants": tenant, "expires_in_days": days}
    made = connect().post("/worker-tokens", wanted)
    note(
        f"{name} lives {days} {'day' if days == 1 else 'days'}. Keep it now: it is not shown again."
    )
    emit(made, str(made["token"]))


@app.command(examples=("tidemill worker-tokens revoke site-b",))
def revoke(token: Annotated[str, typer.Argument(help="The token's name, or its id.")]) -> None:
    """Make a worker token useless; workers that use it are cut off at once."""
    client = connect()
    found = _id(client, token)
    client.delete(f"/worker-tokens/{segment(found)}")
    emit({"id": found}, "Revoked.")


def _id(client: Client, token: str) -> str:
    """Return the id of the token with that name which still holds; else `token` is an id."""
    named = (
        row["id"]
        for row in client.pages("/worker-tokens", limit=None)
        if row["name"] == token and row["revoked_at"] is None
    )
    return str(next(named, token))
