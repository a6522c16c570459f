"""Plane's JSON: the work items of a project as its settings export them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from tidemill.board.errors import ImportUnreadable
from tidemill.board.imports.columns import names_of
from tidemill.board.imports.models import SourceFormat
from tidemill.board.imports.sources.contract import Entry, Form
from tidemill.board.imports.sources.values import cells_of, names_in, rich_text

_LABELS: Final = "labels"
_PEOPLE: Final = ("assignee", "assignees")


def entries(document: Any) -> Iterator[Entry]:
    """Yield the work items of an export."""
    if not isinstance(document, list):
        raise ImportUnreadable("This is no export of Plane: it is no list of work items.")
    for place, item in enumerate(document):
        values = (
            {str(name): value for name, value in item.items()} if isinstance(item, dict) else {}
        )
        labels: tuple[str, ...] = ()
        cells = cells_of(values)
        for name, value in values.items():
            if name.casefold() == _LABELS:
                labels = names_in(value)
                del cells[name]
            elif name.casefold() in _PEOPLE and isinstance(value, list):
                people = names_in(value)
                cells[name] = people[0] if people else ""
                cells[f"further {name}"] = ", ".join(people[1:])
            elif name.casefold() == "description":
                cells[name] = rich_text(value)
        yield Entry(path=f"[{place}]", cells=cells, labels=labels)


FORM: Final = Form(names=names_of(SourceFormat.PLANE), entries=entries)
