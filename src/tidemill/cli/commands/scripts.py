"""`tidemill scripts`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from tidemill.cli import completing
from tidemill.cli.client import connect, segments
from tidemill.cli.failures import CommandFailed, ExitCode
from tidemill.cli.lazy import group
from tidemill.cli.options import (
    AffinityKey,
    All,
    Attempts,
    Limit,
    Requires,
    limit_of,
    requirements_of,
)
from tidemill.cli.output import Column, emit, emit_rows, fields, when

app = group("Deploy scripts and look at them.")

ScriptPath = Annotated[
    str, typer.Argument(help="The script's path.", autocompletion=completing.scripts)
]

LANGUAGES: Final = {
    ".py": "python", ".sh": "bash", ".bash": "bash", ".ts": "typescript", ".js": "typescript",
    ".sql": "sql", ".http": "http",
}  # fmt: skip
_COLUMNS: list[Column] = [
    ("PATH", "path"),
    ("LANGUAGE", "language"),
    ("VERSION", "version"),
    ("HASH", lambda row: str(row["content_hash"])[:12]),
    ("DEPLOYED", when("updated_at")),
]


@app.command(
    examples=(
        "tidemill scripts push tides.py --path harbour/tides",
        "tidemill scripts push backup.sh",
        'tidemill scripts push mail.py --limits \'{"rate": {"limit": 5}}\'',
        'tidemill scripts push film.py --requires \'{"labels": ["gpu"]}\'',
    )
)
def push(  # noqa: PLR0913, PLR0917 - one for each option
    file: Annotated[Path, typer.Argument(help="The file with the script.")],
    path: Annotated[str | None, typer.Option(help="Its path; else the file's name.")] = None,
    language: Annotated[
        str | None, typer.Option(help="python, bash, typescript, sql, http …; else by suffix.")
    ] = None,
    limits: Annotated[
        str | None, typer.Option(help="What limits its jobs, as JSON or @FILE.")
    ] = None,
    isolation: Annotated[
        str | None, typer.Option(help="sandbox, or warm: a process that runs job after job.")
    ] = None,
    requires: Requires = None,
    affinity_key: AffinityKey = None,
    attempts: Attempts = None,
) -> None:
    """Deploy a script: a new version of it when there is one at the path already."""
    body = {
        "path": path or file.stem,
        "language": language or language_of(file),
        "content": content_of(file),
        "limits": limits_of(limits),
        "isolation": isolation,
        "requires": requirements_of(requires),
        "affinity_key": affinity_key,
        "attempts_max": attempts,
    }
    made = connect().post("/scripts", body)
    told = f"version {made['version']}, {str(made['content_hash'])[:12]}"
    emit(made, f"Deployed {made['path']} ({made['language']}, {told}).")


@app.command("list", examples=("tidemill scripts list",))
def list_(limit: Limit = 50, all_: All = False) -> None:
    """List the scripts of the tenant."""
    rows = list(connect().pages("/scripts", limit=limit_of(limit, all_)))
    emit_rows(rows, _COLUMNS, "No scripts yet. Deploy one: tidemill scripts push FILE")


@app.command(examples=("tidemill scripts show harbour/tides",))
def show(path: ScriptPath) -> None:
    """Show a script: its arguments and its code."""
    found = connect().get(f"/scripts/{segments(path)}")
    columns: list[Column] = [
        *_COLUMNS,
        ("ARGUMENTS", lambda row: json.dumps(row.get("schema"), ensure_ascii=False)),
    ]
    code = str(found.get("content", ""))
    emit(found, lambda: "\n\n".join([fields(found, columns), code.rstrip()]))


@app.command(examples=("tidemill scripts archive harbour/tides",))
def archive(path: ScriptPath) -> None:
    """Take a script out of use; its versions stay, and a push brings it back."""
    connect().delete(f"/scripts/{segments(path)}")
    emit({"path": path}, f"{path} is out of use.")


def language_of(file: Path) -> str:
    """Return the language that the file's suffix stands for."""
    language = LANGUAGES.get(file.suffix)
    if language is None:
        known = ", ".join(LANGUAGES)
        raise CommandFailed(
            f"{file} has none of the suffixes {known}; say --language.", ExitCode.USAGE
        )
    return language


def content_of(file: Path) -> str:
    """Return the script in `file`."""
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise CommandFailed(f"{file} cannot be read: {error.strerror}.", ExitCode.USAGE) from error
    except UnicodeDecodeError as error:
        raise CommandFailed(f"{file} is not UTF-8 text.", ExitCode.USAGE) from error


def limits_of(text: str | None) -> dict[str, Any] | None:
    """Return the limits that `--limits` gives."""
    if text is None:
        return None
    source = content_of(Path(text[1:])) if text.startswith("@") else text
    try:
        limits = json.loads(source)
    except ValueError as error:
        raise CommandFailed(f"--limits is not JSON: {error}.", ExitCode.USAGE) from error
    if not isinstance(limits, dict):
        raise CommandFailed("--limits must be a JSON object.", ExitCode.USAGE)
    return limits
