"""`tidemill tokens`."""

from __future__ import annotations

from typing import Annotated

import typer

from tidemill.cli.client import connect, segment
from tidemill.cli.failures import options_named
from tidemill.cli.lazy import group
from tidemill.cli.options import All, Limit, limit_of
from tidemill.cli.output import Column, emit, emit_rows, note, when

app = group("Make, list and revoke API tokens.")

_COLUMNS: list[Column] = [
    ("ID", "id"),
    ("NAME", "name"),
    ("SCOPES", "scopes"),
    ("EXPIRES", when("expires_at")),
    ("LAST USED", when("last_used_at")),
    ("REVOKED", when("revoked_at")),
]


@app.command("list", examples=("tidemill tokens list",))
def list_(limit: Limit = 50, all_: All = False) -> None:
    """List your API tokens; the secrets themselves are never shown again."""
    rows = list(connect().pages("/api-tokens", limit=limit_of(limit, all_)))
    emit_rows(rows, _COLUMNS, "No API tokens.")


@app.command(
    examples=(
        "tidemill tokens create deploy --scope write --days 90",
        "TIDEMILL_TOKEN=$(tidemill tokens create ci --scope jobs:run --days 30)",
    )
)
def create(
    name: Annotated[str, typer.Argument(help="What it is for.")],
    scope: Annotated[
        list[str], typer.Option(help="read, write, admin or one such as jobs:run; repeatable.")
    ],
    days: Annotated[int, typer.Option(help="How long it lives.")] = 90,
) -> None:
    """Make an API token. Its secret is printed this once."""
    body = {"name": name, "scopes": scope, "expires_in_days": days}
    with options_named(name="NAME", scopes="--scope", expires_in_days="--days"):
        made = connect().post("/api-tokens", body)
    note(
        f"{name} lives {days} {'day' if days == 1 else 'days'}. Keep it now: it is not shown again."
    )
    emit(made, str(made["token"]))


@app.command(examples=("tidemill tokens revoke 0199…",))
def revoke(token: Annotated[str, typer.Argument(help="The token's id.")]) -> None:
    """Make a token useless, everywhere, at once."""
    connect().delete(f"/api-tokens/{segment(token)}")
    emit({"id": token}, "Revoked.")
