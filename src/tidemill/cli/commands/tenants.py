"""`tidemill tenants`."""

from __future__ import annotations

from typing import Annotated

import typer

from tidemill.cli.client import connect
from tidemill.cli.commands.login import switch_tenant
from tidemill.cli.lazy import group
from tidemill.cli.options import All, Limit, limit_of
from tidemill.cli.output import Column, emit, emit_rows, when

app = group("List, make and choose tenants.")

_COLUMNS: list[Column] = [
    ("SLUG", "slug"),
    ("NAME", "name"),
    ("STATE", "state"),
    ("ROLE", "role"),
    ("ID", "id"),
    ("JOINED", when("joined_at")),
]


@app.command("list", examples=("tidemill tenants list", "tidemill tenants list --json"))
def list_(limit: Limit = 50, all_: All = False) -> None:
    """List the tenants that you are a member of."""
    rows = list(connect().pages("/tenants", limit=limit_of(limit, all_)))
    emit_rows(rows, _COLUMNS, "You are in no tenant yet. Make one: tidemill tenants create NAME")


@app.command(
    examples=(
        'tidemill tenants create "Harbour Works"',
        'tidemill tenants create "Harbour Works" --slug harbour --use',
    )
)
def create(
    name: Annotated[str, typer.Argument(help="The organisation's name.")],
    slug: Annotated[
        str | None,
        typer.Option(help="Its short name for addresses; made of the name by default."),
    ] = None,
    use: Annotated[bool, typer.Option("--use", help="Act in it from now on.")] = False,
) -> None:
    """Make a tenant; you become its owner."""
    client = connect()
    body = {"name": name} if slug is None else {"name": name, "slug": slug}
    tenant = client.post("/tenants", body)
    if use:
        switch_tenant(client, tenant["id"])
    emit(tenant, f"Made {tenant['slug']} ({tenant['id']}).")


@app.command(examples=("tidemill tenants use harbour",))
def use(tenant: Annotated[str, typer.Argument(help="The tenant's slug or id.")]) -> None:
    """Act in another tenant from now on."""
    chosen = switch_tenant(connect(), tenant)
    emit(chosen, f"Now in {chosen['slug']}.")
