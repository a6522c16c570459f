"""Commands of `tidemill jobs` that change what becomes of jobs."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer

from tidemill.cli import filters as of
from tidemill.cli.client import Client, connect, segment
from tidemill.cli.commands.run import Tag, arguments
from tidemill.cli.failures import CommandFailed, ExitCode
from tidemill.cli.following import error_line
from tidemill.cli.lazy import Commands
from tidemill.cli.options import All, Limit, limit_of
from tidemill.cli.output import Column, emit, emit_rows, moment, when
from tidemill.cli.times import seconds_of

_DEAD: list[Column] = [
    ("ID", lambda row: row["job"]["id"]),
    ("REASON", "reason"),
    ("SCRIPT", lambda row: row["job"]["script_path"] or row["job"]["function"]),
    ("TAG", lambda row: row["job"]["tag"]),
    ("FINISHED", lambda row: moment(row["job"]["finished_at"])),
    ("ERROR", lambda row: error_line(row["job"]["error"])),
]
_TREE: list[Column] = [
    ("ID", "id"),
    ("BELOW", "parent_id"),
    ("STATE", "state"),
    ("SCRIPT", lambda row: row.get("script_path") or row.get("function") or row.get("language")),
    ("CREATED", when("created_at")),
]

Job = Annotated[str, typer.Argument(help="The job's id.")]
Jobs = Annotated[list[str] | None, typer.Argument(help="Ids of jobs; none to use the options.")]


@of.described_by(of.EVERY)
def cancel(
    given: of.Options,
    jobs: Jobs = None,
    tree: Annotated[bool, typer.Option("--tree", help="And all that hangs below it.")] = False,
    dry_run: of.DryRun = False,
) -> None:
    """Cancel jobs, whether they wait or run: those named, or all that fit."""
    client = connect()
    wanted = of.query_of(client, **given)
    of.one_way(jobs, wanted, dry_run=dry_run)
    if tree and not jobs:
        told = "--tree goes with ids of jobs, not with options that describe them."
        raise CommandFailed(told, ExitCode.USAGE)
    if not jobs:
        body = {"filter": wanted, "dry_run": dry_run}
        of.change_all(client, "/jobs/cancel", body, "cancelled")
        return
    emit_each([_cancelled(client, job, tree=tree) for job in jobs])


@of.described_by(of.EVERY)
def retry(
    given: of.Options,
    jobs: Jobs = None,
    same_code: of.SameCode = False,
    dry_run: of.DryRun = False,
) -> None:
    """Run jobs again that ended without success: those named, or all that fit."""
    client = connect()
    wanted = of.query_of(client, **given)
    of.one_way(jobs, wanted, dry_run=dry_run)
    code = _code(same_code=same_code)
    if not jobs:
        body = {"filter": wanted, "dry_run": dry_run, "code": code}
        of.change_all(client, "/jobs/retry", body, "retried")
        return
    emit_each([_retried(client, job, code) for job in jobs])


def rerun(
    job: Job,
    arg: Annotated[
        list[str] | None,
        typer.Option("--arg", "-a", metavar="NAME=VALUE", help="JSON, else text; over the old."),
    ] = None,
    tag: Tag = None,
    priority: Annotated[int | None, typer.Option(help="Higher starts sooner.")] = None,
    same_code: of.SameCode = False,
) -> None:
    """Run a job's code once more, with other arguments where you give some."""
    body: dict[str, Any] = {"code": _code(same_code=same_code)}
    given = {"args": arguments(arg or [], None) or None, "tag": tag, "priority": priority}
    body |= {name: value for name, value in given.items() if value is not None}
    new = connect().post(f"/jobs/{segment(job)}/rerun", body)
    emit(new, f"{job} runs once more as {new['id']}.")


def snooze(
    job: Job, duration: Annotated[str, typer.Argument(help="For how long: 90s, 10m, 2h, 1d.")]
) -> None:
    """Let a job that has not started wait for a while."""
    body = {"seconds": seconds_of(duration)}
    found = connect().post(f"/jobs/{segment(job)}/snooze", body)
    emit(found, f"{job} waits until {moment(found['run_at'])}.")


def now(job: Job) -> None:
    """Let a job start that waits for its time, or for its next attempt."""
    found = connect().post(f"/jobs/{segment(job)}/run-now")
    emit(found, f"{job} starts as soon as a worker is free.")


def tree(job: Job, limit: Limit = 50, all_: All = False) -> None:
    """Show what a job belongs to: what started it, and what was started from there."""
    client = connect()
    path = f"/jobs/{segment(job)}/tree"
    root = client.get(path, limit=1)["root"]
    rows = list(client.pages(path, limit=limit_of(limit, all_)))
    emit_rows([*([root] if root else []), *rows], _TREE, "The tree has left the history.")


@of.described_by(of.DEAD)
def dead(
    given: of.Options,
    limit: Limit = 50,
    all_: All = False,
) -> None:
    """List the jobs that have failed for good and that nobody has retried."""
    client = connect()
    wanted = of.query_of(client, **given)
    rows = list(client.pages("/dead-jobs", limit=limit_of(limit, all_), **wanted))
    emit_rows(rows, _DEAD, "No dead jobs.")


@of.described_by(of.DEAD)
def replay(
    given: of.Options,
    jobs: Jobs = None,
    all_: Annotated[bool, typer.Option("--all", help="All that are dead.")] = False,
    same_code: of.SameCode = False,
    dry_run: of.DryRun = False,
) -> None:
    """Run dead jobs again: those named, all that fit, or all; each leaves the list of the dead."""
    client = connect()
    wanted = of.query_of(client, **given)
    of.one_way(jobs, wanted, all_=all_, dry_run=dry_run)
    code = _code(same_code=same_code)
    if jobs:
        emit_each([_retried(client, job, code) for job in jobs])
        return
    body = {"filter": wanted, "all": all_, "dry_run": dry_run, "code": code}
    of.change_all(client, "/dead-jobs/replay", body, "replayed")


def _code(*, same_code: bool) -> str:
    return "same" if same_code else "current"


def emit_each(told: list[tuple[dict[str, Any], str]]) -> None:
    """Print what became of each job: as JSON one document, a list where there are more."""
    documents = [document for document, _ in told]
    emit(documents[0] if len(documents) == 1 else documents, "\n".join(text for _, text in told))


_ENDED: Final = {"timed_out": "timed out"}


def _cancelled(client: Client, job: str, *, tree: bool) -> tuple[dict[str, Any], str]:
    if tree:
        found = client.post(f"/jobs/{segment(job)}/tree/cancel")
        told = f"{found['below']} jobs below it were cancelled"
        return found, f"{job} is {found['job']['state']}; {told}."
    found = client.post(f"/jobs/{segment(job)}/cancel")
    # The worker that runs it has to hear of it first.
    ended = found["finished_at"] is not None
    told = f"was {found['state']} and is being stopped"
    if ended:
        told = "is cancelled"
        if found["state"] != "cancelled":
            told = (
                f"has {_ENDED.get(found['state'], found['state'])} already; nothing was cancelled"
            )
    return found, f"{job} {told}."


def _retried(client: Client, job: str, code: str) -> tuple[dict[str, Any], str]:
    new = client.post(f"/jobs/{segment(job)}/retry", {"code": code})
    return new, f"{job} runs again as {new['id']}."


def add_to(app: Commands) -> None:
    """Put the commands of this file into the group."""
    app.command(
        examples=(
            "tidemill jobs cancel 0199…",
            "tidemill jobs cancel --path 'reports/*' --since 2h --dry-run",
        )
    )(cancel)
    app.command(
        examples=("tidemill jobs retry 0199…", "tidemill jobs retry --label nightly --since 1d")
    )(retry)
    app.command(examples=("tidemill jobs rerun 0199… --arg days=7",))(rerun)
    app.command(examples=("tidemill jobs snooze 0199… 10m",))(snooze)
    app.command(examples=("tidemill jobs now 0199…",))(now)
    app.command(examples=("tidemill jobs tree 0199…",))(tree)
    app.command(examples=("tidemill jobs dead --tag mail",))(dead)
    app.command(
        examples=("tidemill jobs replay --all --dry-run", "tidemill jobs replay --tag mail")
    )(replay)
