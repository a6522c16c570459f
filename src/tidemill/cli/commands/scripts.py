"""`tidemill scripts`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Final

import typer

from tidemill.cli.client import connect, segments
from tidemill.cli.failures import CommandFailed, ExitCode
from tidemill.cli.lazy import group
from tidemill.cli.options import All, Limit, limit_of
from tidemill.cli.output import Column, emit, emit_rows, fields, when

app = group("Deploy scripts and look at them.")

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
    )
)
def push(
    file: Annotated[Path, typer.Argument(help="The file with the script.")],
    path: Annotated[str | None, typer.Option(help="Its path; else the file's name.")] = None,
    language: Annotated[
        str | None, typer.Option(help="python, bash, typescript, sql, http …; else by suffix.")
    ] = None,
) -> None:
    """Deploy a script: a new version of it when there is one at the path already."""
    body = {
        "path": path or file.stem,
        "language": language or language_of(file),
        "content": content_of(file),
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
def show(path: Annotated[str, typer.Argument(help="The script's path.")]) -> None:
    """Show a script: its arguments and its code."""
    found = connect().get(f"/scripts/{segments(path)}")
    columns: list[Column] = [
        *_COLUMNS,
        ("ARGUMENTS", lambda row: json.dumps(row.get("schema"), ensure_ascii=False)),
    ]
    code = str(found.get("content", ""))
    emit(found, lambda: "\n\n".join([fields(found, columns), code.rstrip()]))


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
