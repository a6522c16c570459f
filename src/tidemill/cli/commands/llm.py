"""`tidemill llm`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tidemill.cli.client import connect, segment
from tidemill.cli.failures import CommandFailed, ExitCode
from tidemill.cli.lazy import group
from tidemill.cli.options import All, Limit, limit_of
from tidemill.cli.output import Column, emit, emit_rows

app = group("Read what a model may know: of the board, and of a project.")

_QUERIES: list[Column] = [
    ("NAME", "name"),
    ("TAKES", lambda row: ", ".join(one["name"] for one in row["parameters"])),
    ("ANSWERS", "summary"),
]


@app.command(examples=("tidemill llm brief TM", "tidemill llm brief TM --budget 1500"))
def brief(
    project: Annotated[str, typer.Argument(help="The project's key or id.")],
    budget: Annotated[
        int, typer.Option(help="How many tokens it may have, 800 to 32000; 3 bytes are one.")
    ] = 4_000,
) -> None:
    """Print what matters in a project, as a text for a model."""
    found = connect().get(f"/llm/projects/{segment(project)}", budget_tokens=budget)
    emit(found, found["text"].rstrip())


@app.command(examples=("tidemill llm context", "tidemill llm context --category work_items"))
def context(
    context_type: Annotated[
        str | None,
        typer.Option(
            "--type", help="schema_doc, query_pattern, business_rule, instruction or example."
        ),
    ] = None,
    category: Annotated[str | None, typer.Option(help="Such as work_items.")] = None,
    min_priority: Annotated[int, typer.Option(help="Leave out what matters less.")] = 0,
) -> None:
    """Print what an assistant may know of the board."""
    query = {"context_type": context_type, "category": category, "min_priority": min_priority}
    found = list(connect().pages("/llm/context", limit=None, **query))
    emit(found, "\n\n".join(map(_entry, found)) or "Nothing.")


@app.command(examples=("tidemill llm queries",))
def queries(limit: Limit = 50, all_: All = False) -> None:
    """List the questions that the board answers."""
    rows = list(connect().pages("/llm/queries", limit=limit_of(limit, all_)))
    emit_rows(rows, _QUERIES, "There are none.")


@app.command(examples=("tidemill llm ask stale_items project=TM days=7",))
def ask(
    name: Annotated[str, typer.Argument(help="As tidemill llm queries lists it.")],
    parameters: Annotated[
        list[str] | None, typer.Argument(metavar="NAME=VALUE...", help="What it takes.")
    ] = None,
    limit: Annotated[int, typer.Option(help="How many rows at most, 1 to 200.")] = 50,
) -> None:
    """Ask the board one of its questions."""
    given = dict(map(_parameter, parameters or []))
    body = {"parameters": given, "limit": limit}
    found = connect().post(f"/llm/queries/{segment(name)}", body)
    names = [column["name"] for column in found["columns"]]
    rows = [dict(zip(names, row, strict=True)) for row in found["rows"]]
    emit_rows(rows, [(name.upper(), name) for name in names], "Nothing.")


def _entry(entry: dict[str, Any]) -> str:
    return f"# {entry['title']} ({entry['context_type']})\n{entry['content']}"


def _parameter(text: str) -> tuple[str, str | int]:
    name, sign, value = text.partition("=")
    if not sign:
        raise CommandFailed(f"Write {text}=VALUE.", ExitCode.USAGE)
    return name, int(value) if value.isascii() and value.isdecimal() else value
