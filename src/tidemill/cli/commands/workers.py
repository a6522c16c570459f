"""`tidemill workers`."""

from __future__ import annotations

from typing import Annotated

import typer

from tidemill.cli.client import connect, segment
from tidemill.cli.lazy import group
from tidemill.cli.output import Column, emit, emit_rows, when

app = group("List workers; take them out of service, and back.")

_COLUMNS: list[Column] = [
    ("WORKER", "id"),
    ("HOST", "host"),
    ("STATE", "state"),
    ("RUNNING", "running"),
    ("SLOTS", "slots"),
    ("TAGS", lambda row: ", ".join(row["tags"])),
    ("SEEN", when("seen_at")),
]

Worker = Annotated[str, typer.Argument(help="The worker's name.")]


@app.command("list", examples=("tidemill workers list",))
def list_() -> None:
    """List the workers, with what they take and how they are."""
    emit_rows(connect().get("/workers")["items"], _COLUMNS, "No worker is known.")


@app.command(examples=("tidemill workers drain worker-1", "tidemill workers drain w-2 --leave"))
def drain(
    worker: Worker,
    leave: Annotated[
        bool, typer.Option("--leave", help="End its process when it has finished.")
    ] = False,
) -> None:
    """Give a worker nothing more; it finishes what it has."""
    found = connect().post(f"/workers/{segment(worker)}/drain", {"leave": leave})
    then = "leaves then" if leave else f"waits for: tidemill workers resume {worker}"
    emit(found, f"{worker} finishes {found['running']} jobs, takes nothing more, and {then}.")


@app.command(examples=("tidemill workers resume worker-1",))
def resume(worker: Worker) -> None:
    """Give a worker jobs again."""
    found = connect().post(f"/workers/{segment(worker)}/resume")
    emit(found, f"{worker} takes jobs again.")
