"""Options that say which jobs are meant, and changes of all that fit them."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tidemill.cli import completing, progress
from tidemill.cli.client import Client, segment
from tidemill.cli.failures import CommandFailed, ExitCode
from tidemill.cli.output import emit, note
from tidemill.cli.times import instant_of

Path = Annotated[
    str | None,
    typer.Option(
        help="A script or function; * at its end is anything.", autocompletion=completing.scripts
    ),
]
Tag = Annotated[
    str | None, typer.Option(help="Only those with this tag.", autocompletion=completing.tags)
]
Label = Annotated[str | None, typer.Option(help="Only those with this label.")]
Actor = Annotated[str | None, typer.Option(help="Only those that this person or token started.")]
Item = Annotated[
    str | None, typer.Option("--work-item", "--item", help="Only those of this work item.")
]
State = Annotated[
    str | None, typer.Option(help="queued, running, failed, …", autocompletion=completing.states)
]
Since = Annotated[str | None, typer.Option(help="Made since then, or in the last 2h, 1d, …")]
Until = Annotated[str | None, typer.Option(help="Made before then, or before 2h ago.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say how many it would be.")]
SameCode = Annotated[
    bool, typer.Option("--same-code", help="The script's text that ran, not the current one.")
]


def query_of(client: Client, *, item: str | None = None, **fields: str | None) -> dict[str, Any]:
    """Return the query or the filter that options say; what is not said is left out."""
    for name in ("since", "until"):
        fields[name] = instant_of(fields.get(name))
    if item is not None:
        fields["work_item_id"] = client.get(f"/work-items/{segment(item)}")["id"]
    return {name: value for name, value in fields.items() if value is not None}


def one_way(jobs: list[str] | None, wanted: dict[str, Any]) -> None:
    """Refuse a command that names jobs and describes some too, or neither."""
    if jobs and wanted:
        raise CommandFailed("Give ids of jobs, or options that describe them.", ExitCode.USAGE)
    if not jobs and not wanted:
        told = "Which jobs? Give their ids, or options such as --path, --tag or --since."
        raise CommandFailed(told, ExitCode.USAGE)


def change_all(client: Client, path: str, body: dict[str, Any], verb: str) -> None:
    """Change all jobs that fit, portion by portion, and say how many those were."""
    total: dict[str, Any] = {"matched": 0, "changed": 0, "refused": []}
    cursor: str | None = None
    with progress.shown(f"Jobs {verb}") as show:
        while True:
            found = client.post(path, {**body, **({"cursor": cursor} if cursor else {})})
            total["matched"] += found["matched"]
            total["changed"] += found["changed"]
            total["refused"] += found["refused"]
            for refused in found["refused"]:
                note(f"{refused['id']}: {refused['message']}")
            show(total["changed"])
            cursor = found["next_cursor"]
            if not cursor:
                break
    total["dry_run"] = found["dry_run"]
    more = " or more" if found["more"] else ""
    told = f"{total['changed']} of {total['matched']} jobs were {verb}."
    if found["dry_run"]:
        told = f"{total['matched']}{more} jobs would be {verb}."
    emit(total, told)
