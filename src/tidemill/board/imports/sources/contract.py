"""What a reader of files gives, whatever tool wrote them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from tidemill.board.imports.columns import Names
from tidemill.board.imports.models import Link, Remark


class Entry(Struct, frozen=True, kw_only=True):
    """One thing of a JSON document: its values as text by name, and what has no such form.

    An entry that is no work item says in `left_out` what it is instead: `pull requests`.
    """

    path: str
    cells: Mapping[str, str] = {}
    labels: tuple[str, ...] = ()
    comments: tuple[Remark, ...] = ()
    links: tuple[Link, ...] = ()
    left_out: str | None = None


class Row(Struct, frozen=True, kw_only=True):
    """A row of a file: cells in the order of the columns, and what came in another form.

    `line` is a line of CSV, or the number of a JSON entry from 1, with its `path`. `problem` is
    what breaks the row.
    """

    line: int
    cells: Sequence[str]
    path: str | None = None
    problem: str | None = None
    labels: tuple[str, ...] = ()
    comments: tuple[Remark, ...] = ()
    links: tuple[Link, ...] = ()


class Table(Struct, frozen=True, kw_only=True):
    """A file as rows; `names` says which columns fill which field."""

    encoding: str
    delimiter: str | None
    header: Sequence[str]
    names: Names
    rows: Iterator[Row]
    left_out: tuple[str, ...] = ()


class Form(Struct, frozen=True, kw_only=True):
    """The JSON of a tool: its entries, and which of their values fill which field.

    `entries` raises `ImportUnreadable` where the document is not of the form.
    """

    names: Names
    entries: Callable[[Any], Iterator[Entry]]
