"""`tidemill projects git`: a project as files in a repository."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from tidemill.cli.client import Client, connect, segment
from tidemill.cli.failures import CommandFailed, ExitCode, options_named
from tidemill.cli.lazy import group
from tidemill.cli.output import Column, emit, table, window_width

app = group("Keep a project as files in a repository of git, both ways.")

look_seconds: Final = 0.2
wait_seconds_max: Final = 3600.0
told_max: Final = 50
_SIDES: Final = ("board", "repository")
_CONFLICTS: list[Column] = [
    ("ITEM", "key"),
    ("FIELD", "field"),
    ("BOARD", "board"),
    ("REPOSITORY", "repository"),
]
Project = Annotated[str, typer.Argument(help="The project's key or id.")]


@app.command(
    examples=(
        "tidemill projects git bind TM https://git.example.org/board.git",
        "tidemill projects git bind TM https://git.example.org/a.git --secret-file token",
    )
)
def bind(  # noqa: PLR0913, PLR0917 - each is an option of the command
    project: Project,
    url: Annotated[str, typer.Argument(help="Where the repository is.")],
    branch: Annotated[str, typer.Option(help="Made where it is not there.")] = "main",
    directory: Annotated[str, typer.Option(help="Where the files stand in it.")] = "",
    deletions: Annotated[
        str, typer.Option(help="What a deleted file does to its item: archive, or refuse.")
    ] = "archive",
    user: Annotated[str, typer.Option(help="Whose credential the secret is.")] = "",
    secret_file: Annotated[
        Path | None, typer.Option(help="A file whose first line is a password or token.")
    ] = None,
) -> None:
    """Bind a project to a repository; owners of the project only."""
    body: dict[str, Any] = {
        "url": url,
        "branch": branch,
        "directory": directory,
        "deletions": deletions,
        "username": user,
    }
    if secret_file is not None:
        body["secret"] = _first_line(secret_file)
    with options_named(url="URL", username="--user", secret="--secret-file"):  # noqa: S106 - names of options
        bound = connect().put(_path(project), body)
    emit(bound, f"{project} is kept at {bound['url']}, branch {bound['branch']}.")


@app.command(examples=("tidemill projects git show TM",))
def show(project: Project) -> None:
    """Show where a project is kept, and what its last sync did."""
    found = connect().get(_path(project))
    lines = [
        f"{found['url']} ({found['branch']}), {found['state']}",
        *([_told(found["report"])] if found["report"] else ["Never synced."]),
    ]
    emit(found, "\n".join(lines))


@app.command(
    examples=(
        "tidemill projects git sync TM --dry-run",
        "tidemill projects git sync TM",
        "tidemill projects git sync TM --take TM-4.title=board --take TM-7=repository",
    )
)
def sync(
    project: Project,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only report what would change.")
    ] = False,
    take: Annotated[
        list[str] | None,
        typer.Option(help="ITEM=SIDE or ITEM.FIELD=SIDE for a conflict; board or repository."),
    ] = None,
) -> None:
    """Sync a project and its repository, and wait for the end."""
    body = {"dry_run": dry_run, "choices": [_choice(one) for one in take or []]}
    client = connect()
    client.post(f"{_path(project)}/sync", body)
    report = _ended(client, project)
    emit(report, lambda: _told(report))
    if report["outcome"] == "failed":
        raise typer.Exit(ExitCode.FAILED)


@app.command(examples=("tidemill projects git unbind TM",))
def unbind(project: Project) -> None:
    """Bind a project to no repository; the files in it stay."""
    connect().delete(_path(project))
    emit({"project": project}, "Unbound.")


def _path(project: str) -> str:
    return f"/projects/{segment(project)}/git"


def _first_line(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").partition("\n")[0].strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandFailed(f"{file} cannot be read as text.", ExitCode.USAGE) from error


def _choice(text: str) -> dict[str, str | None]:
    what, equals, side = text.rpartition("=")
    if not equals or not what or side not in _SIDES:
        raise CommandFailed(
            f"--take {text}: write ITEM=SIDE or ITEM.FIELD=SIDE, SIDE board or repository.",
            ExitCode.USAGE,
        )
    # Names of the project's own files have a dot, too.
    key, dot, field = (what, "", "") if what.endswith(".yaml") else what.partition(".")
    return {"key": key, "side": side, "field": field if dot else None}


def _ended(client: Client, project: str) -> dict[str, Any]:
    stop_at = time.monotonic() + wait_seconds_max
    while time.monotonic() < stop_at:
        found = client.get(_path(project))
        if found["state"] == "idle" and found["report"] is not None:
            return dict(found["report"])
        time.sleep(look_seconds)
    raise CommandFailed("The sync is still under way; `projects git show` tells how it ends.")


def _told(report: dict[str, Any]) -> str:
    if report["outcome"] == "failed":
        return f"The sync failed: {report['error']}"
    lines = [f"{one['key'] or one['path']} {one['deed']}" for one in report["pulled"][:told_max]]
    lines += [f"{one['problem']}" for one in report["problems"][:told_max]]
    if report["conflicts"]:
        lines.append(table(report["conflicts"][:told_max], _CONFLICTS, window_width()))
    would = "Would have" if report["outcome"] == "checked" else "Has"
    counts = (
        f"{would} changed {report['pulled_count']} items and {report['pushed_count']} files; "
        f"{report['conflict_count']} conflicts, {report['problem_count']} problems."
    )
    return "\n".join([*lines, counts])
