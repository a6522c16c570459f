"""`tidemill users`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tidemill.cli.client import Client, connect, segment
from tidemill.cli.failures import CommandFailed, ExitCode
from tidemill.cli.lazy import group
from tidemill.cli.options import All, Limit, limit_of
from tidemill.cli.output import Column, emit, emit_rows, when

app = group("List the users of all tenants; close and reopen their accounts. For operators.")

_COLUMNS: list[Column] = [
    ("NAME", "name"),
    ("E-MAIL", "email"),
    ("STATE", "state"),
    ("ID", "id"),
    ("SINCE", when("created_at")),
    ("LAST LOGIN", when("last_login_at")),
]

Email = Annotated[str, typer.Argument(help="The user's e-mail address.")]


@app.command("list", examples=("tidemill users list",))
def list_(limit: Limit = 50, all_: All = False) -> None:
    """List the users of the installation."""
    rows = list(connect().pages("/users", limit=limit_of(limit, all_)))
    emit_rows(rows, _COLUMNS, "Nobody.")


@app.command(
    examples=(
        "tidemill users disable ada@example.org",
        "tidemill users disable ada@example.org --force",
    )
)
def disable(
    email: Email,
    force: Annotated[
        bool, typer.Option("--force", help="Also if a tenant then has no active owner.")
    ] = False,
) -> None:
    """Close an account: sessions and invitations end; tokens and jobs count no more."""
    client = connect()
    body = {"force": True} if force else None
    closed = client.post(f"/users/{segment(_user(client, email)['id'])}/disable", body)
    emit(closed, f"The account of {closed['email']} is closed.")


@app.command(examples=("tidemill users enable ada@example.org",))
def enable(email: Email) -> None:
    """Open an account again; API tokens of it that still last count again."""
    client = connect()
    opened = client.post(f"/users/{segment(_user(client, email)['id'])}/enable")
    emit(opened, f"The account of {opened['email']} is open.")


def _user(client: Client, email: str) -> dict[str, Any]:
    for row in client.pages("/users", limit=1, email=email):
        return row
    raise CommandFailed(f"There is no user {email}.", ExitCode.NOT_FOUND)
