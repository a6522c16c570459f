"""`tidemill projects guests`."""

from __future__ import annotations

from typing import Annotated

import typer

from tidemill.cli.client import connect, segment
from tidemill.cli.failures import options_named
from tidemill.cli.lazy import group
from tidemill.cli.options import All, Limit, limit_of
from tidemill.cli.output import Column, emit, emit_rows, note, when

app = group("Let people without an account read a project, by links that end.")

_COLUMNS: list[Column] = [
    ("ID", "id"),
    ("NAME", "name"),
    ("EXPIRES", when("expires_at")),
    ("LAST USED", when("last_used_at")),
    ("REVOKED", when("revoked_at")),
]
Project = Annotated[str, typer.Argument(help="The project's key or id.")]


@app.command("list", examples=("tidemill projects guests list TM",))
def list_(project: Project, limit: Limit = 50, all_: All = False) -> None:
    """List the guest links of a project; their tokens are never shown again."""
    address = f"/projects/{segment(project)}/guest-links"
    rows = list(connect().pages(address, limit=limit_of(limit, all_)))
    emit_rows(rows, _COLUMNS, "No guest links.")


@app.command(examples=('tidemill projects guests create TM "The harbour office" --days 14',))
def create(
    project: Project,
    name: Annotated[str, typer.Argument(help="Whom it is for.")],
    days: Annotated[int, typer.Option(help="How long it lives.")] = 30,
) -> None:
    """Make a guest link. Its token is printed this once."""
    body = {"name": name, "expires_in_days": days}
    with options_named(name="NAME", expires_in_days="--days"):
        made = connect().post(f"/projects/{segment(project)}/guest-links", body)
    note(f"{name} reads {made['url']} with this token. Keep it now: it is not shown again.")
    emit(made, str(made["token"]))


@app.command(examples=("tidemill projects guests revoke TM 0199…",))
def revoke(
    project: Project, link: Annotated[str, typer.Argument(help="The guest link's id.")]
) -> None:
    """Make a guest link useless, everywhere, at once."""
    connect().delete(f"/projects/{segment(project)}/guest-links/{segment(link)}")
    emit({"id": link}, "Revoked.")
