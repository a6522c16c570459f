"""`tidemill items link`, `unlink` and `links`: what blocks, relates to or duplicates what."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer

from tidemill.cli.client import Client, connect, segment
from tidemill.cli.failures import CommandFailed, ExitCode
from tidemill.cli.lazy import group
from tidemill.cli.options import All, Limit, limit_of
from tidemill.cli.output import Column, emit, emit_rows

link_app = group("Join work items.")

# How one says it, and whether the second item then stands first.
_WORDS: Final = {
    "blocks": ("blocks", False),
    "blocked_by": ("blocks", True),
    "relates_to": ("relates_to", False),
    "duplicates": ("duplicates", False),
    "duplicated_by": ("duplicates", True),
}
_TURNED: Final = {
    "blocks": "blocked_by",
    "relates_to": "relates_to",
    "duplicates": "duplicated_by",
}
_COLUMNS: list[Column] = [
    ("LINK", "link"),
    ("KEY", "key"),
    ("STATUS", "status"),
    ("TITLE", "title"),
]

First = Annotated[str, typer.Argument(metavar="ITEM", help="Key or id of an item.")]
Word = Annotated[
    str,
    typer.Argument(
        metavar="LINK", help="blocks, blocked_by, relates_to, duplicates or duplicated_by."
    ),
]
Second = Annotated[str, typer.Argument(metavar="OTHER", help="Key or id of another item.")]


@link_app.command(
    examples=(
        "tidemill items link TM-3 blocks TM-7",
        "tidemill items link TM-9 duplicates TM-2 --close",
    )
)
def link(
    first: First,
    word: Word,
    second: Second,
    *,
    close: Annotated[
        bool, typer.Option("--close", help="Also cancel the item that duplicates the other.")
    ] = False,
) -> None:
    """Join two work items: TM-3 blocks TM-7."""
    type_, blocking, blocked = _sentence(first, word, second)
    body: dict[str, Any] = {
        "dependency_type": type_,
        "blocking_item_id": blocking,
        "blocked_item_id": blocked,
    }
    if close:
        body["close"] = True
    made = connect().post("/dependencies", body)
    emit(made, f"{_told(made)}.")


@link_app.command(examples=("tidemill items unlink TM-3 blocks TM-7",))
def unlink(first: First, word: Word, second: Second) -> None:
    """Part two work items."""
    client = connect()
    type_, blocking, blocked = _sentence(first, word, second)
    found = _between(client, type_, blocking, blocked)
    client.delete(f"/dependencies/{found['id']}")
    emit(found, f"{_told(found)} no longer.")


@link_app.command(examples=("tidemill items links TM-3", "tidemill items links TM-3 --json"))
def links(item: First, limit: Limit = 50, all_: All = False) -> None:
    """List what a work item blocks, what blocks it, and what else it is joined to."""
    client = connect()
    own = client.get(f"/work-items/{segment(item)}")["id"]
    path = f"/work-items/{own}/dependencies"
    rows = [_seen_from(own, row) for row in client.pages(path, limit=limit_of(limit, all_))]
    emit_rows(rows, _COLUMNS, "No links.")


def _sentence(first: str, word: str, second: str) -> tuple[str, str, str]:
    """Return the type, and the item that stands first in it before the other."""
    known = _WORDS.get(word.lower().replace("-", "_"))
    if known is None:
        raise CommandFailed(f"{word} is no link; say one of {', '.join(_WORDS)}.", ExitCode.USAGE)
    type_, is_turned = known
    return (type_, second, first) if is_turned else (type_, first, second)


def _between(client: Client, type_: str, blocking: str, blocked: str) -> Any:
    first, second = (client.get(f"/work-items/{segment(one)}") for one in (blocking, blocked))
    wanted = [(first["id"], second["id"])]
    if type_ == "relates_to":
        wanted.append((second["id"], first["id"]))
    rows = client.pages(
        f"/work-items/{first['id']}/dependencies", limit=None, dependency_type=type_
    )
    for row in rows:
        if (row["blocking_item_id"], row["blocked_item_id"]) in wanted:
            return row
    raise CommandFailed(f"{first['key']} {type_} {second['key']}: there is no such link.")


def _seen_from(item_id: str, row: dict[str, Any]) -> dict[str, Any]:
    """Return a link as a row about the other item, beside what the API says of it."""
    type_ = row["dependency_type"]
    is_first = row["blocking_item_id"] == item_id
    other = row["blocked_item" if is_first else "blocking_item"]
    return {
        **row,
        "link": type_ if is_first else _TURNED[type_],
        "key": other["key"],
        "status": other["status"],
        "title": other["title"],
    }


def _told(row: Any) -> str:
    return f"{row['blocking_item']['key']} {row['dependency_type']} {row['blocked_item']['key']}"
