"""Tidemill's own JSON: the document of a project, as an export writes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from tidemill.board.errors import ImportUnreadable, shown
from tidemill.board.imports.models import Link
from tidemill.board.imports.sources.contract import Entry, Form
from tidemill.board.imports.sources.values import dicts, inside, names_in, remarks_of, text_of
from tidemill.board.project_documents.models import FORMAT, VERSION

_CELLS: Final = (
    "key", "item_type", "title", "description", "status", "priority", "parent", "assignee",
    "points", "estimate_seconds", "start_date", "due_date",
)  # fmt: skip
_NOT_OF_ITEMS: Final = {
    "sprints": "sprints",
    "workflow": "workflows of the project's own",
    "board_settings": "settings of the board",
}
_OF_ITEMS: Final = {
    "time_entries": "time entries",
    "attachments": "attachments",
    "watchers": "watchers",
    "former_keys": "former keys",
}


def entries(document: Any) -> Iterator[Entry]:
    """Yield the items of a project document, in the order of the project."""
    if inside(document, "format") != FORMAT or not isinstance(inside(document, "items"), list):
        raise ImportUnreadable(
            f"This is no project document: its `format` is not {FORMAT}, or it has no `items`."
        )
    if inside(document, "version") != VERSION:
        version = shown(text_of(inside(document, "version")) or "nothing")
        raise ImportUnreadable(
            f"`version` is {version}; documents of version {VERSION} are understood here."
        )
    for name, what in _NOT_OF_ITEMS.items():
        value = document.get(name)
        for _ in value if isinstance(value, list) else [value] if value else []:
            yield Entry(path=name, left_out=what)
    for place, each in enumerate(document["items"]):
        path = f"items[{place}]"
        item = each if isinstance(each, dict) else {}
        yield from _without_home(path, item)
        yield _entry(path, item)


def _entry(path: str, item: Mapping[str, Any]) -> Entry:
    return Entry(
        path=path,
        cells={
            **{name: text_of(item.get(name)) for name in _CELLS},
            **_custom_cells(item.get("custom_fields")),
            "archived": "" if item.get("archived_at") is None else "yes",
        },
        labels=names_in(item.get("labels")),
        comments=remarks_of(item.get("comments"), "content", "author", "at"),
        links=tuple(
            Link(type_, text_of(link.get("item")), link.get("first") is not False)
            for link in dicts(item.get("links"))
            if (type_ := text_of(link.get("type"))) in _LINK_TYPES
        ),
    )


def _custom_cells(value: Any) -> dict[str, str]:
    """Return what an item has in custom fields, under the names by which imports fill them."""
    said = value.items() if isinstance(value, dict) else ()
    return {f"cf.{key}": text for key, one in said if (text := text_of(one))}


def _without_home(path: str, item: Mapping[str, Any]) -> Iterator[Entry]:
    """Yield what of an item the import does not bring."""
    for name, what in _OF_ITEMS.items():
        value = item.get(name)
        for _ in value if isinstance(value, list) else ():
            yield Entry(path=path, left_out=what)


_LINK_TYPES: Final = frozenset({"blocks", "relates_to", "duplicates"})

FORM: Final = Form(
    names={
        **{name: (name.replace("_", " "),) for name in _CELLS if name != "key"},
        "archived": ("archived",),
        "external_id": ("key",),
    },
    entries=entries,
)
