"""`tidemill add`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tidemill.cli.client import connect
from tidemill.cli.commands.items import ProjectOption, assignee_name, label_names
from tidemill.cli.failures import CommandFailed, ExitCode, hints, options_named
from tidemill.cli.lazy import single
from tidemill.cli.output import Column, emit, fields, printable
from tidemill.cli.texts import text_of

app = single()


def _key(field: str) -> Any:
    return lambda row: (row.get(field) or {}).get("key")


def _name(field: str) -> Any:
    return lambda row: (row.get(field) or {}).get("name")


_FIELDS: list[Column] = [
    ("Title", "title"),
    ("Project", _key("project")),
    ("Type", "item_type"),
    ("Status", "status"),
    ("Priority", "priority"),
    ("Assignee", assignee_name),
    ("Labels", label_names),
    ("Points", "points"),
    ("Start", "start_date"),
    ("Due", "due_date"),
    ("Parent", _key("parent")),
    ("Sprint", _name("sprint")),
]


@app.command(
    examples=(
        "tidemill add -p TM 'Fix the sluice #bug @ada !high ^fri'",
        "tidemill add -p TM 'Dredge ~3 >TM-4 sprint:current #harbour' --dry-run",
        "tidemill add 'Read the tables project:TM ^\"next week\"'",
    )
)
def add(
    line: Annotated[
        list[str],
        typer.Argument(
            help="What is to be done; #label or #bug, @person, !priority, ^day, ~points, >parent, "
            "sprint:current. In single quotes, since shells read some of these signs themselves.",
            show_default=False,
        ),
    ],
    *,
    project: ProjectOption = None,
    description: Annotated[str | None, typer.Option(help="More words; @FILE reads them.")] = None,
    time_zone: Annotated[
        str | None, typer.Option(help="Whose days are meant; your own by default.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what was understood; make nothing.")
    ] = False,
) -> None:
    """Make a work item from one line."""
    text = " ".join(line)
    if not text.strip():
        raise CommandFailed("Say what is to be done.", ExitCode.USAGE)
    given = {
        "text": text,
        "project_id": project,
        "description": text_of(description),
        "time_zone": time_zone,
    }
    body = {name: value for name, value in given.items() if value is not None}
    client = connect()
    with (
        options_named(project_id="--project", time_zone="--time-zone"),
        hints(PROJECT_MISSING="-p, or project:KEY in the line"),
    ):
        if dry_run:
            said = client.post("/work-items/quick/previews", body)
            emit(said, lambda: fields(said, _FIELDS))
            return
        made = client.post("/work-items/quick", body)
    emit(made, f"Made {made['key']}: {printable(made['title'])}")
