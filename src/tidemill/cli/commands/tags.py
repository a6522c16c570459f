"""`tidemill tags`."""

from __future__ import annotations

from typing import Annotated

import typer

from tidemill.cli import completing
from tidemill.cli.client import connect, segment
from tidemill.cli.lazy import group
from tidemill.cli.options import All, Limit, limit_of
from tidemill.cli.output import Column, emit, emit_rows, when

app = group("Count the jobs of each tag; pause tags and let them go on.")

_COLUMNS: list[Column] = [
    ("TAG", "tag"),
    ("QUEUED", "queued"),
    ("RUNNING", "running"),
    ("SCHEDULED", "scheduled"),
    ("WAITING", "waiting"),
    ("OLDEST", when("oldest_due_at")),
    ("PAUSED", lambda row: "yes" if row["paused"] else ""),
    ("EVERYWHERE", when("paused_everywhere_at")),
]

Tag = Annotated[str, typer.Argument(help="The tag.", autocompletion=completing.tags)]
Everywhere = Annotated[
    bool, typer.Option("--everywhere", help="For all tenants; operators of the installation.")
]


@app.command("list", examples=("tidemill tags list",))
def list_(everywhere: Everywhere = False, limit: Limit = 50, all_: All = False) -> None:
    """List tags with the number of their jobs."""
    query = {"everywhere": "true"} if everywhere else {}
    rows = list(connect().pages("/tags", limit=limit_of(limit, all_), **query))
    emit_rows(rows, _COLUMNS, "No tag has jobs, and none is paused.")


@app.command(examples=("tidemill tags pause mail",))
def pause(tag: Tag, everywhere: Everywhere = False) -> None:
    """Hand out no more jobs of a tag; those that run go on."""
    found = connect().post(f"/tags/{segment(tag)}/pause", {"everywhere": everywhere})
    emit(found, f"{tag} is paused. Let it go on with: tidemill tags resume {tag}")


@app.command(examples=("tidemill tags resume mail",))
def resume(tag: Tag, everywhere: Everywhere = False) -> None:
    """Hand out jobs of a tag again."""
    found = connect().post(f"/tags/{segment(tag)}/resume", {"everywhere": everywhere})
    still = f"{tag} stays paused for everybody, until an operator resumes it --everywhere."
    emit(found, still if found["paused"] else f"{tag} goes on.")
