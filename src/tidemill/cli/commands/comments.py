"""`tidemill items comments`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from tidemill.cli.client import connect, segment
from tidemill.cli.failures import CommandFailed, ExitCode
from tidemill.cli.lazy import group
from tidemill.cli.options import All, Limit, limit_of
from tidemill.cli.output import Column, emit, emit_rows, when
from tidemill.cli.texts import read_text

app = group("List, write, edit and delete comments on work items.")

Item = Annotated[str, typer.Argument(help="The item's key, such as TM-1, or its id.")]
Comment = Annotated[str, typer.Argument(help="The comment's id.")]
Words = Annotated[str | None, typer.Argument(help="What to write, in Markdown.")]
File = Annotated[
    str | None, typer.Option("--file", "-f", help="Read it from a file; - is standard input.")
]


def _author(row: Mapping[str, Any]) -> str:
    author = row["author"]
    return str(author["name"] or author["id"])


def _words(row: Mapping[str, Any]) -> str:
    words = "(deleted)" if row["content"] is None else str(row["content"])
    return f"↳ {words}" if row["parent_id"] else words


def _reactions(row: Mapping[str, Any]) -> str:
    return " ".join(f"{one['emoji']} {one['count']}" for one in row["reactions"])


_COLUMNS: list[Column] = [
    ("AUTHOR", _author),
    ("WRITTEN", when("created_at")),
    ("COMMENT", _words),
    ("REACTIONS", _reactions),
    ("ID", "id"),
]


@app.command(
    "list",
    examples=(
        "tidemill items comments list TM-1",
        "tidemill items comments list TM-1 --sort newest --json",
    ),
)
def list_(
    item: Item,
    sort: Annotated[str | None, typer.Option(help="thread or newest.")] = None,
    limit: Limit = 50,
    all_: All = False,
) -> None:
    """List the comments on a work item, thread by thread."""
    path = f"/work-items/{segment(item)}/comments"
    rows = list(connect().pages(path, limit=limit_of(limit, all_), sort=sort))
    emit_rows(rows, _COLUMNS, "No comments.")


@app.command(
    examples=(
        'tidemill items comments add TM-1 "Looks **good**, @ada."',
        "tidemill items comments add TM-1 --file review.md --reply-to 0192…",
    )
)
def add(
    item: Item,
    text: Words = None,
    file: File = None,
    reply_to: Annotated[str | None, typer.Option(help="Id of the comment to answer.")] = None,
) -> None:
    """Comment on a work item."""
    body = {"content": _content(text, file)}
    if reply_to is not None:
        body["parent_id"] = reply_to
    made = connect().post(f"/work-items/{segment(item)}/comments", body)
    emit(made, f"Made the comment {made['id']}.")


@app.command(examples=('tidemill items comments edit 0192… "Looks good now."',))
def edit(
    comment: Comment,
    text: Words = None,
    file: File = None,
    if_version: Annotated[int | None, typer.Option(help="Only when it still has this.")] = None,
) -> None:
    """Write your comment anew; its history keeps the earlier text."""
    headers = {"If-Match": f'"v{if_version}"'} if if_version is not None else None
    path = f"/comments/{segment(comment)}"
    changed = connect().patch(path, {"content": _content(text, file)}, headers=headers)
    emit(changed, f"The comment is at version {changed['version']}.")


@app.command(examples=("tidemill items comments delete 0192…",))
def delete(comment: Comment) -> None:
    """Delete your comment; admins delete those of others, too."""
    connect().delete(f"/comments/{segment(comment)}")
    emit({"comment": comment}, f"Deleted {comment}.")


def _content(text: str | None, file: str | None) -> str:
    # No @FILE as elsewhere: a comment may well begin with whom it mentions.
    if (text is None) == (file is None):
        raise CommandFailed("Say what to write, as TEXT or by --file.", ExitCode.USAGE)
    return text if text is not None else read_text(str(file))
