"""`tidemill retention`."""

from __future__ import annotations

from typing import Annotated

import typer

from tidemill.cli.client import connect, segment
from tidemill.cli.failures import CommandFailed, ExitCode
from tidemill.cli.lazy import group
from tidemill.cli.options import All, Limit, limit_of
from tidemill.cli.output import Column, emit, emit_rows, when

app = group("Keep some finished jobs for less time than the rest.")

_COLUMNS: list[Column] = [
    ("RULE", "name"),
    ("PATH", "path"),
    ("LABEL", "label"),
    ("DAYS", "keep_days"),
    ("CHANGED", when("updated_at")),
]

Name = Annotated[str, typer.Argument(help="The rule's name.")]


@app.command("list", examples=("tidemill retention list",))
def list_(limit: Limit = 50, all_: All = False) -> None:
    """List the rules."""
    rows = list(connect().pages("/retention-rules", limit=limit_of(limit, all_)))
    emit_rows(rows, _COLUMNS, "No rules: everything is kept as long as the history.")


@app.command(
    "set",
    examples=(
        "tidemill retention set pings --path 'monitoring/*' --days 1",
        "tidemill retention set debug --label debug --days 0 --yes",
    ),
)
def set_(
    name: Name,
    days: Annotated[int, typer.Option(min=0, help="For how many days they are kept.")],
    path: Annotated[
        str | None, typer.Option(help="A script or function; * at its end is anything.")
    ] = None,
    label: Annotated[str | None, typer.Option(help="Those with this label.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it also with 0 days.")] = False,
) -> None:
    """Say how long finished jobs of a path, or with a label, are kept."""
    if days == 0 and not yes:
        raise CommandFailed(
            "With 0 days all such jobs that have finished go within the hour, for good. "
            "If that is meant, add --yes.",
            ExitCode.USAGE,
        )
    body = {"path": path, "label": label, "keep_days": days}
    given = {key: value for key, value in body.items() if value is not None}
    found = connect().put(f"/retention-rules/{segment(name)}", given)
    what = f"of {found['path']}" if found["path"] else f"with the label {found['label']}"
    emit(found, f"Finished jobs {what} are kept for {found['keep_days']} days.")


@app.command(examples=("tidemill retention delete debug",))
def delete(name: Name) -> None:
    """Delete a rule."""
    connect().delete(f"/retention-rules/{segment(name)}")
    emit({"name": name, "deleted": True}, f"The rule {name} is gone.")
