"""`tidemill jobs`."""

from __future__ import annotations

import json
from typing import Annotated, Any, Final

import typer

from tidemill.cli import completing
from tidemill.cli import filters as of
from tidemill.cli.client import Client, connect, segment
from tidemill.cli.commands import moving, steering
from tidemill.cli.following import LogLines, error_line, follow_log
from tidemill.cli.lazy import group
from tidemill.cli.options import All, Limit, limit_of
from tidemill.cli.output import Column, emit, emit_rows, fields, printable, when
from tidemill.cli.people import name_of

app = group("List jobs, read their logs, cancel them, run them again.")

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
    ("EXPIRES", when("expires_at")),
    ("CACHED FROM", "cached_from"),
    ("ARGUMENTS", lambda row: json.dumps(row.get("args"), ensure_ascii=False)),
    ("ISOLATION", "isolation"),
    ("PROGRESS", lambda row: _progress(row.get("progress"))),
    ("METRICS", lambda row: _metrics(row.get("metrics"))),
    ("ERROR", lambda row: error_line(row.get("error"))),
]

_ATTEMPT_COLUMNS: list[Column] = [
    ("ATTEMPT", "attempt"),
    ("EXECUTION", "execution"),
    ("OUTCOME", "outcome"),
    ("WORKER", "worker_id"),
    ("STARTED", when("started_at")),
    ("FINISHED", when("finished_at")),
    ("MEMORY MIB", lambda row: f"{row['peak_memory_bytes'] / _MEBIBYTE:.1f}"),
    ("CPU MS", lambda row: f"{row['cpu_microseconds'] / 1000:.1f}"),
    ("ERROR", lambda row: error_line(row.get("error"))),
]
_ATTEMPT_FIELDS: list[Column] = [
    *_ATTEMPT_COLUMNS,
    ("TRACEBACK", lambda row: (row.get("error") or {}).get("traceback")),
]
_MEBIBYTE: Final = 1024 * 1024

Job = Annotated[str, typer.Argument(help="The job's id.")]


@app.command(
    "list",
    examples=(
        "tidemill jobs list",
        "tidemill jobs list --state failed --since 1d --json",
        "tidemill jobs list --path 'reports/*' --label customer:acme",
    ),
)
def list_(  # noqa: PLR0913, PLR0917 - one for each option
    state: of.State = None,
    script: Annotated[
        str | None,
        typer.Option(help="Only those of this script.", autocompletion=completing.scripts),
    ] = None,
    path: of.Path = None,
    tag: of.Tag = None,
    label: of.Label = None,
    actor: of.Actor = None,
    item: of.Item = None,
    since: of.Since = None,
    until: of.Until = None,
    limit: Limit = 50,
    all_: All = False,
) -> None:
    """List jobs, newest first."""
    client = connect()
    query = of.query_of(
        client, item=item, state=state, script_path=script, path=path, tag=tag, label=label,
        actor=actor, since=since, until=until,
    )  # fmt: skip
    rows = list(client.pages("/jobs", limit=limit_of(limit, all_), **query))
    emit_rows(rows, _COLUMNS, "No jobs.")


@app.command(examples=("tidemill jobs show 0199…",))
def show(job: Job) -> None:
    """Show one job."""
    found = connect().get(f"/jobs/{segment(job)}")
    emit(found, lambda: fields(found, _FIELDS))


@app.command(examples=("tidemill jobs attempts 0199…", "tidemill jobs attempts 0199… --attempt 1"))
def attempts(
    job: Job,
    attempt: Annotated[
        int | None, typer.Option(help="Show this one, with all of its error.")
    ] = None,
) -> None:
    """Show how each attempt of a job went: when, where, at what cost, and how it ended."""
    if attempt is not None:
        one = connect().get(f"/jobs/{segment(job)}/attempts/{attempt}")
        emit(one, lambda: fields(one, _ATTEMPT_FIELDS))
        return
    found = list(connect().pages(f"/jobs/{segment(job)}/attempts", limit=None))
    emit_rows(found, _ATTEMPT_COLUMNS, "It has not been tried yet.")


@app.command(
    examples=(
        "tidemill jobs logs 0199…",
        "tidemill jobs logs 0199… --follow",
        "tidemill jobs logs 0199… --attempt 1",
    )
)
def logs(
    job: Job,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Wait for more.")] = False,
    attempt: Annotated[
        int | None,
        typer.Option(help="Which one's, as `jobs attempts` numbers them; else the latest."),
    ] = None,
    execution: Annotated[
        int | None,
        typer.Option(help="Instead: which time of all that a worker was given the job."),
    ] = None,
) -> None:
    """Print what a job has written in its latest attempt, or in another one.

    Executions count also what was given back to the queue, which is no attempt.
    """
    client = connect()
    if follow:
        follow_log(client, job, attempt=attempt, execution=execution)
        return
    path, log, offset = f"/jobs/{segment(job)}/logs", LogLines(job), 0
    while True:
        page = client.get(path, offset=offset, attempt=attempt, execution=execution)
        log.add(page["text"], page["execution"])
        if page["next_offset"] == page["offset"]:
            log.end()
            return
        offset = page["next_offset"]


@app.command(examples=("tidemill jobs why 0199…",))
def why(job: Job) -> None:
    """Say what a job waits for, or how it ended; the id of a due time works too."""
    client = connect()
    found = client.get(f"/jobs/{segment(job)}/why")
    emit(found, lambda: printable(_told(client, found)))


def _told(client: Client, found: dict[str, Any]) -> str:
    lines = [_with_name(client, found)]
    if found["schedule_path"]:
        lines.append(f"It belongs to the schedule {found['schedule_path']}.")
    return "\n".join(lines)


def _with_name(client: Client, found: dict[str, Any]) -> str:
    """Return why a job is as it is; whoever has cancelled it by e-mail address instead of id."""
    message = str(found["message"])
    if found["state"] != "cancelled" or not found["job_id"]:
        return message
    by = client.get(f"/jobs/{segment(found['job_id'])}")["cancelled_by"]
    return message.replace(by, name_of(client, by)) if by and by in message else message


def _progress(told: dict[str, Any] | None) -> str:
    return "" if told is None else f"{told['percent']:g} % {told['text']}".strip()


def _metrics(told: dict[str, float] | None) -> str:
    return ", ".join(f"{name}={value:g}" for name, value in (told or {}).items())


steering.add_to(app)
moving.add_to(app)
