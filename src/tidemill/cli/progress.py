"""Bars that show how far long work is: on a terminal only, and gone when it is done."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from tidemill.cli.output import wants_json


class Show(Protocol):
    """Takes how much is done by now, and of how much where that is known."""

    def __call__(self, done: int, total: int | None = None) -> None:
        """Show it."""


@contextmanager
def shown(title: str) -> Iterator[Show]:
    """Show a bar while the block runs; until it hears of a total, that something happens."""
    if wants_json() or not sys.stderr.isatty():
        yield _nothing
        return
    # Drawing takes longer to load than most commands take.
    from rich import progress as rich  # noqa: PLC0415 - as said above
    from rich.console import Console  # noqa: PLC0415 - as said above

    columns = (
        rich.TextColumn("{task.description}"),
        rich.BarColumn(),
        rich.TextColumn("{task.fields[count]}"),
        rich.TimeElapsedColumn(),
    )
    with rich.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None, count="")

        def show(done: int, total: int | None = None) -> None:
            count = str(done) if total is None else f"{done}/{total}"
            bar.update(task, completed=done, total=total, count=count)

        yield show


def _nothing(done: int, total: int | None = None) -> None:
    del done, total
