"""`tidemill members`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tidemill.cli.client import Client, connect, segment
from tidemill.cli.failures import CommandFailed, ExitCode
from tidemill.cli.lazy import group
from tidemill.cli.options import All, Limit, limit_of
from tidemill.cli.output import Column, emit, emit_rows, when

app = group("List members, change their roles, remove them.")

_COLUMNS: list[Column] = [
    ("NAME", "name"),
    ("E-MAIL", "email"),
    ("ROLE", "role"),
    ("ID", "user_id"),
    ("SINCE", when("joined_at")),
]

Member = Annotated[str, typer.Argument(help="The member's id or e-mail address.")]


@app.command("list", examples=("tidemill members list",))
def list_(limit: Limit = 50, all_: All = False) -> None:
    """List who belongs to the tenant."""
    rows = list(connect().pages("/members", limit=limit_of(limit, all_)))
    emit_rows(rows, _COLUMNS, "Nobody.")


@app.command("set-role", examples=("tidemill members set-role ada@example.org admin",))
def set_role(
    member: Member,
    role: Annotated[str, typer.Argument(help="owner, admin, member or viewer.")],
) -> None:
    """Change what a member may do."""
    client = connect()
    found = _member(client, member)
    changed = client.patch(f"/members/{segment(found['user_id'])}", {"role": role})
    emit(changed, f"{member} is now {role}.")


@app.command(examples=("tidemill members remove ada@example.org",))
def remove(member: Member) -> None:
    """Take a member out of the tenant."""
    client = connect()
    found = _member(client, member)
    client.delete(f"/members/{segment(found['user_id'])}")
    emit(found, f"{member} is no member any more.")


def _member(client: Client, wanted: str) -> dict[str, Any]:
    for row in client.pages("/members", limit=None):
        if wanted in {row["user_id"], row.get("email")}:
            return row
    raise CommandFailed(f"{wanted} is no member of this tenant.", ExitCode.NOT_FOUND)
