"""`tidemill projects workflow`."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from tidemill.cli.client import connect, segment
from tidemill.cli.failures import CommandFailed, ExitCode, hints
from tidemill.cli.lazy import group
from tidemill.cli.output import Column, emit, table, window_width

app = group("Show and change the statuses of a project, and the moves between them.")

_COLUMNS: Final[list[Column]] = [
    ("STATUS", "key"),
    ("NAME", "name"),
    ("CATEGORY", "category"),
    ("LEADS TO", "leads_to"),
]
# What the server adds to a workflow, and would not take back.
_STATE: Final = frozenset({"project_id", "is_default", "version", "updated_at", "updated_by"})
_EXAMPLE: Final = "tidemill projects workflow set TM workflow.toml --move todo=ready"

Project = Annotated[str, typer.Argument(help="The project's key or id.")]


@app.command(
    examples=(
        "tidemill projects workflow show TM",
        "tidemill projects workflow show TM --json > workflow.json",
    )
)
def show(project: Project) -> None:
    """Show the statuses of a project; with --json as `set` takes them."""
    workflow = connect().get(_path(project))
    emit(workflow, lambda: _told(workflow))


@app.command("set", examples=(_EXAMPLE,))
def set_(
    project: Project,
    file: Annotated[Path, typer.Argument(help="TOML, or JSON such as `show --json` prints.")],
    moves: Annotated[
        list[str] | None,
        typer.Option("--move", help="Where items of a removed status go, such as todo=ready."),
    ] = None,
) -> None:
    """Give a project the statuses of a file; its items follow at once.

    A file that holds the version at which it was read, as `show --json` prints it, replaces that
    version alone.
    """
    read = _read(file)
    body = {name: value for name, value in read.items() if name not in _STATE}
    if moves:
        body["moves"] = {**body.get("moves", {}), **_pairs(moves)}
    version = read.get("version")
    headers = {"If-Match": f'"v{version}"'} if isinstance(version, int) else None
    with hints(STATUS_IN_USE="--move FROM=TO"):
        workflow = connect().put(_path(project), body, headers=headers)
    statuses = ", ".join(status["key"] for status in workflow["statuses"])
    emit(workflow, f"The workflow is at version {workflow['version']}: {statuses}.")


def _path(project: str) -> str:
    return f"/projects/{segment(project)}/workflow"


def _told(workflow: Mapping[str, Any]) -> str:
    rules = workflow["transitions"]
    rows = []
    for status in workflow["statuses"]:
        if rules is None:
            leads_to = "any"
        else:
            own = (rule["to"] for rule in rules if rule["from"] == status["key"])
            leads_to = ", ".join(target for targets in own for target in targets)
        rows.append({**status, "leads_to": leads_to})
    lines = [table(rows, _COLUMNS, window_width()), f"New items begin in {workflow['initial']}."]
    for rule in rules or ():
        if rule["guards"]:
            guards = ", ".join(_guard(guard) for guard in rule["guards"])
            lines.append(f"From {rule['from']} to {', '.join(rule['to'])}: {guards}.")
    return "\n".join(lines)


def _guard(guard: Mapping[str, str]) -> str:
    return " ".join((guard["type"], *(value for name, value in guard.items() if name != "type")))


def _pairs(moves: list[str]) -> dict[str, str]:
    pairs = [move.partition("=") for move in moves]
    wrong = [move for move, (old, _, new) in zip(moves, pairs, strict=True) if not old or not new]
    if wrong:
        raise CommandFailed(
            f"--move takes two statuses such as todo=ready, not {wrong[0]}.", ExitCode.USAGE
        )
    return {old: new for old, _, new in pairs}


def _read(file: Path) -> dict[str, Any]:
    is_toml = file.suffix.lower() == ".toml"
    try:
        text = file.read_text(encoding="utf-8")
        read = tomllib.loads(text) if is_toml else json.loads(text)
    except OSError as error:
        raise CommandFailed(f"{file} cannot be read: {error.strerror}.", ExitCode.USAGE) from error
    except ValueError as error:
        kind = "TOML" if is_toml else "JSON"
        hint = "" if is_toml else " TOML is read from files that end in .toml."
        raise CommandFailed(f"{file} is no {kind}: {error}.{hint}", ExitCode.USAGE) from error
    if not isinstance(read, dict):
        raise CommandFailed(f"{file} holds no workflow.", ExitCode.USAGE)
    return read
