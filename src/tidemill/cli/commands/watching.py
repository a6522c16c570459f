"""`tidemill items watch`, `unwatch` and `watchers`."""

from __future__ import annotations

from typing import Annotated

import typer

from tidemill.cli.client import connect, segment
from tidemill.cli.lazy import group
from tidemill.cli.options import All, Limit, limit_of
from tidemill.cli.output import Column, emit, emit_rows

watching_app = group("Say who hears of a work item.")

_COLUMNS: list[Column] = [("NAME", "name"), ("ID", "id")]
Item = Annotated[str, typer.Argument(help="The item's key, such as TM-1, or its id.")]
User = Annotated[str, typer.Option("--user", help="Id of a member, or `me`.")]


@watching_app.command(examples=("tidemill items watch TM-1",))
def watch(item: Item, user: User = "me") -> None:
    """Hear of what happens to a work item."""
    watcher = connect().put(f"/work-items/{segment(item)}/watchers/{segment(user)}", None)
    emit({"item": item, "user": watcher["id"]}, f"{watcher['name']} watches {item}.")


@watching_app.command(examples=("tidemill items unwatch TM-1",))
def unwatch(item: Item, user: User = "me") -> None:
    """Hear no more of a work item, also as its creator or assignee."""
    connect().delete(f"/work-items/{segment(item)}/watchers/{segment(user)}")
    emit({"item": item, "user": user}, f"Watching {item} no more.")


@watching_app.command(examples=("tidemill items watchers TM-1",))
def watchers(item: Item, limit: Limit = 50, all_: All = False) -> None:
    """List who hears of a work item: who asked to, its creator and its assignee."""
    address = f"/work-items/{segment(item)}/watchers"
    emit_rows(list(connect().pages(address, limit=limit_of(limit, all_))), _COLUMNS, "Nobody.")
