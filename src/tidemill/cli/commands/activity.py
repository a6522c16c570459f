"""`activity`: what happened to a work item, or to those of a project."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tidemill.cli.client import connect, segment
from tidemill.cli.facts import cut
from tidemill.cli.lazy import group
from tidemill.cli.options import All, Limit, limit_of
from tidemill.cli.output import Column, emit_rows, when

item_activity_app = group("Tell what happened to work items.")
project_activity_app = group("Tell what happened in projects.")


def _text(name: str) -> Any:
    def shown(row: Any) -> str:
        value = row.get(name)
        return "" if value is None else cut(" ".join(str(value).split()))

    return shown


_COLUMNS: list[Column] = [
    ("AT", when("at")),
    ("VERSION", "version"),
    ("ACTION", "action"),
    ("FIELD", "field"),
    ("OLD", _text("old_value")),
    ("NEW", _text("new_value")),
]
_NUMBERED: list[Column] = [("SEQ", "seq"), ("ITEM", "work_item_id"), *_COLUMNS]

Since = Annotated[
    int | None,
    typer.Option(min=0, help="Only what comes after this number of the stream, oldest first."),
]


@item_activity_app.command(
    "activity",
    examples=("tidemill items activity TM-1", "tidemill items activity TM-1 --since 120 --json"),
)
def of_item(
    item: Annotated[str, typer.Argument(help="The item's key, such as TM-1, or its id.")],
    since: Since = None,
    limit: Limit = 50,
    all_: All = False,
) -> None:
    """List what happened to a work item, newest first; or since a number."""
    path = f"/work-items/{segment(item)}/activity"
    rows = list(connect().pages(path, limit=limit_of(limit, all_), since=since))
    emit_rows(rows, _COLUMNS if since is None else _NUMBERED, "Nothing happened.")


@project_activity_app.command("activity", examples=("tidemill projects activity TM --since 120",))
def of_project(
    project: Annotated[str, typer.Argument(help="The project's key or id.")],
    since: Since = 0,
    limit: Limit = 50,
    all_: All = False,
) -> None:
    """List what happened to the items of a project since a number, oldest first."""
    path = f"/projects/{segment(project)}/activity"
    rows = list(connect().pages(path, limit=limit_of(limit, all_), since=since))
    emit_rows(rows, _NUMBERED, "Nothing happened.")
