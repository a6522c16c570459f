"""`tidemill invitations`."""

from __future__ import annotations

from typing import Annotated

import typer

from tidemill.cli.client import connect, segment
from tidemill.cli.failures import CommandFailed, ExitCode, options_named
from tidemill.cli.lazy import group
from tidemill.cli.options import All, Limit, limit_of
from tidemill.cli.output import Column, emit, emit_rows, when

app = group("Invite people.")

_COLUMNS: list[Column] = [
    ("ID", "id"),
    ("E-MAIL", "email"),
    ("ROLE", "role"),
    ("KIND", "kind"),
    ("USED", lambda row: f"{row['uses']} of {row['max_uses']}"),
    ("EXPIRES", when("expires_at")),
    ("REVOKED", when("revoked_at")),
]


@app.command("list", examples=("tidemill invitations list",))
def list_(limit: Limit = 50, all_: All = False) -> None:
    """List the invitations of the tenant."""
    rows = list(connect().pages("/invitations", limit=limit_of(limit, all_)))
    emit_rows(rows, _COLUMNS, "No invitations.")


@app.command(
    examples=(
        "tidemill invitations create ada@example.org --role admin",
        "tidemill invitations create --uses 20 --days 3",
    )
)
def create(
    email: Annotated[str | None, typer.Argument(help="Whom to invite; else a group.")] = None,
    role: Annotated[
        str, typer.Option(help="owner, admin, member or viewer; at most your own.")
    ] = "member",
    uses: Annotated[int | None, typer.Option(help="For a group: how many may join.")] = None,
    days: Annotated[int | None, typer.Option(help="How long it holds.")] = None,
) -> None:
    """Invite somebody, or a group. The link is printed this once; an address gets it by mail."""
    if (email is None) == (uses is None):
        raise CommandFailed("Name an e-mail address, or --uses for a group.", ExitCode.USAGE)
    client = connect()
    body = {
        "kind": "single_use" if email else "group",
        "email": email,
        "role": role,
        "max_uses": uses,
        "expires_in_days": days,
    }
    with options_named(role="--role", max_uses="--uses", expires_in_days="--days"):
        made = client.post("/invitations", {name: v for name, v in body.items() if v is not None})
    emit(made, f"{client.url}/join?token={made['token']}")


@app.command(examples=("tidemill invitations delete 0199…",))
def delete(invitation: Annotated[str, typer.Argument(help="The invitation's id.")]) -> None:
    """Withdraw an invitation."""
    connect().delete(f"/invitations/{segment(invitation)}")
    emit({"id": invitation}, "Withdrawn.")
