"""`tidemill jobs`."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from tidemill.cli.client import connect, segment
from tidemill.cli.following import LogLines, follow_log
from tidemill.cli.lazy import group
from tidemill.cli.options import All, Limit, limit_of
from tidemill.cli.output import Column, emit, emit_rows, fields, printable, when

app = group("List jobs, read their logs, cancel them.")

_COLUMNS: list[Column] = [
    ("ID", "id"),
    ("STATE", "state"),
    ("SCRIPT", lambda row: row.get("script_path") or row.get("language")),
    ("TAG", "tag"),
    ("ATTEMPTS", "attempts"),
    ("CREATED", when("created_at")),
    ("FINISHED", when("finished_at")),
]
_FIELDS: list[Column] = [
    *_COLUMNS,
    ("STARTED", when("started_at")),
    ("WORK ITEM", "work_item_id"),
    ("WORKER", "worker_id"),
    ("WAITS FOR", "waiting_for"),
    ("ARGUMENTS", lambda row: json.dumps(row.get("args"), ensure_ascii=False)),
    ("ISOLATION", "isolation"),
    ("ERROR", lambda row: (row.get("error") or {}).get("message")),
]

Job = Annotated[str, typer.Argument(help="The job's id.")]


@app.command("list", examples=("tidemill jobs list", "tidemill jobs list --state failed --json"))
def list_(
    state: Annotated[str | None, typer.Option(help="queued, running, failed, …")] = None,
    script: Annotated[str | None, typer.Option(help="Only those of this script.")] = None,
    tag: Annotated[str | None, typer.Option(help="Only those with this tag.")] = None,
    item: Annotated[str | None, typer.Option(help="Only those of this work item.")] = None,
    limit: Limit = 50,
    all_: All = False,
) -> None:
    """List jobs, newest first."""
    client = connect()
    item_id = client.get(f"/work-items/{segment(item)}")["id"] if item else None
    query = {"state": state, "script_path": script, "tag": tag, "work_item_id": item_id}
    rows = list(client.pages("/jobs", limit=limit_of(limit, all_), **query))
    emit_rows(rows, _COLUMNS, "No jobs.")


@app.command(examples=("tidemill jobs show 0199…",))
def show(job: Job) -> None:
    """Show one job."""
    found = connect().get(f"/jobs/{segment(job)}")
    emit(found, lambda: fields(found, _FIELDS))


@app.command(examples=("tidemill jobs logs 0199…", "tidemill jobs logs 0199… --follow"))
def logs(
    job: Job,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Wait for more.")] = False,
) -> None:
    """Print what a job has written."""
    client = connect()
    if follow:
        follow_log(client, job)
        return
    log, offset = LogLines(job), 0
    while True:
        page = client.get(f"/jobs/{segment(job)}/logs", offset=offset)
        log.add(page["text"], page["attempt"])
        if page["next_offset"] == page["offset"]:
            log.end()
            return
        offset = page["next_offset"]


@app.command(examples=("tidemill jobs cancel 0199…",))
def cancel(job: Job) -> None:
    """Cancel a job, whether it waits or runs."""
    found = connect().post(f"/jobs/{segment(job)}/cancel")
    state = found["state"]
    # The worker that runs it has to hear of it first.
    told = f"is {state}" if found["finished"] else f"was {state} and is being stopped"
    emit(found, f"{job} {told}.")


@app.command(examples=("tidemill jobs why 0199…",))
def why(job: Job) -> None:
    """Say what a job waits for, or how it ended; the id of a due time works too."""
    found = connect().get(f"/jobs/{segment(job)}/why")
    emit(found, lambda: printable(_told(found)))


def _told(found: dict[str, Any]) -> str:
    lines = [found["message"]]
    if found["schedule_path"]:
        lines.append(f"It belongs to the schedule {found['schedule_path']}.")
    return "\n".join(lines)
