"""`tidemill strategies`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tidemill.cli import completing
from tidemill.cli.client import connect, segment
from tidemill.cli.failures import CommandFailed, ExitCode
from tidemill.cli.lazy import group
from tidemill.cli.options import All, Limit, limit_of
from tidemill.cli.output import Column, emit, emit_rows, fields

app = group("Say how the jobs of a tag are ordered, and which worker gets each.")

_COLUMNS: list[Column] = [
    ("TAG", "tag"),
    ("ORDER", "order"),
    ("WORKERS", "workers"),
    ("AFFINITY WAIT", lambda row: f"{row['affinity_wait_seconds']:g} s"),
    ("RESERVE AFTER", lambda row: f"{row['reserve_seconds']:g} s"),
]
_FIELDS: list[Column] = [
    *_COLUMNS,
    ("OWN", "own"),
    ("WEIGHTS", lambda row: ", ".join(f"{k}={v}" for k, v in (row["weights"] or {}).items())),
]

Tag = Annotated[str, typer.Argument(help="The tag.", autocompletion=completing.tags)]


@app.command("list", examples=("tidemill strategies list",))
def list_(limit: Limit = 50, all_: All = False) -> None:
    """List the tags that have a strategy of their own."""
    rows = list(connect().pages("/strategies", limit=limit_of(limit, all_)))
    emit_rows(rows, _COLUMNS, "Every tag goes the plain way: fair shares, the freest worker.")


@app.command(examples=("tidemill strategies show render",))
def show(tag: Tag) -> None:
    """Show how the jobs of a tag are ordered and placed."""
    found = connect().get(_path(tag))
    emit(found, lambda: fields(found, _FIELDS))


@app.command(
    "set",
    examples=(
        "tidemill strategies set render --workers resource_aware",
        "tidemill strategies set mail --workers affinity --affinity-wait 30",
        "tidemill strategies set default --weight 0199…=3",
    ),
)
def set_(
    tag: Tag,
    order: Annotated[
        str | None, typer.Option(help="Between tenants: fair_share or priority_fifo.")
    ] = None,
    workers: Annotated[
        str | None,
        typer.Option(help="first_free, round_robin, least_loaded, affinity or resource_aware."),
    ] = None,
    affinity_wait: Annotated[
        float | None, typer.Option(help="Seconds for which a job waits for its key's worker.")
    ] = None,
    reserve: Annotated[
        float | None, typer.Option(help="Seconds after which a worker is kept free for a job.")
    ] = None,
    weight: Annotated[
        list[str] | None,
        typer.Option(metavar="TENANT=WEIGHT", help="A tenant's share; may be repeated."),
    ] = None,
) -> None:
    """Change what you name and leave the rest as it is; for operators."""
    client = connect()
    known = client.get(_path(tag))
    given: dict[str, Any] = {
        "order": order,
        "workers": workers,
        "affinity_wait_seconds": affinity_wait,
        "reserve_seconds": reserve,
    }
    body = {name: known[name] if value is None else value for name, value in given.items()}
    body["weights"] = {**(known["weights"] or {}), **dict(map(_weight, weight or ()))}
    # What was said for the former rule and the new one does not look at goes with it.
    if workers not in {None, "affinity"} and affinity_wait is None:
        del body["affinity_wait_seconds"]
    if order not in {None, "fair_share"} and not weight:
        del body["weights"]
    made = client.put(_path(tag), body)
    emit(made, lambda: fields(made, _FIELDS))


@app.command(examples=("tidemill strategies reset render",))
def reset(tag: Tag) -> None:
    """Let a tag go the plain way again, with even weights; for operators."""
    connect().delete(_path(tag))
    emit({"tag": tag}, f"{tag} goes the plain way.")


def _path(tag: str) -> str:
    return f"/tags/{segment(tag)}/strategy"


def _weight(text: str) -> tuple[str, int]:
    tenant, _, number = text.partition("=")
    if not tenant or not number.isdigit():
        raise CommandFailed(
            f"{text!r} is no share; write the tenant's id, = and a whole number.", ExitCode.USAGE
        )
    return tenant, int(number)
