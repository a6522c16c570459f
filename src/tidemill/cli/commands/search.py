"""`tidemill search`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tidemill.cli.client import connect
from tidemill.cli.commands.items import assignee_name
from tidemill.cli.lazy import single
from tidemill.cli.output import Column, emit_rows

app = single()


def _of_item(name: str) -> Any:
    return lambda row: row["item"][name]


_COLUMNS: list[Column] = [
    ("KEY", _of_item("key")),
    ("TYPE", _of_item("item_type")),
    ("STATUS", _of_item("status")),
    ("TITLE", _of_item("title")),
    ("ASSIGNEE", lambda row: assignee_name(row["item"])),
    ("MATCH", "match"),
]


@app.command(
    examples=(
        "tidemill search TM-12",
        "tidemill search tide tables",
        "tidemill search sluise --filter 'project:TM is:open'",
    )
)
def search(
    words: Annotated[list[str], typer.Argument(help="A key, or words; beginnings will do.")],
    filter_: Annotated[
        str | None, typer.Option("--filter", help="Only among those, such as is:open.")
    ] = None,
    limit: Annotated[int, typer.Option(help="How many at most, 1 to 200.")] = 20,
) -> None:
    """Find work items, those that fit best first."""
    query = {"q": " ".join(words), "filter": filter_, "limit": limit}
    found = connect().get("/search", **query)
    emit_rows(found["items"], _COLUMNS, "Nothing fits.")
