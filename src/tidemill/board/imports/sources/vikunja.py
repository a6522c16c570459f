"""Vikunja's JSON: the file `data.json` of the archive that it exports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from tidemill.board.errors import ImportUnreadable
from tidemill.board.imports.models import Link
from tidemill.board.imports.sources.contract import Entry, Form
from tidemill.board.imports.sources.kinds import types_by_depth
from tidemill.board.imports.sources.values import (
    cells_of,
    dicts,
    inside,
    names_in,
    remarks_of,
    rich_text,
    text_of,
)

# Go writes a day that nobody set as the first one of its calendar.
_NO_DAY: Final = "0001-01-01"
_DAYS: Final = ("due_date", "start_date", "end_date", "done_at")
_PARTED: Final = (
    "id", "description", "assignees", "labels", "comments", "related_tasks", "done", "bucket_id",
    "identifier", "index", "project_id", "position", "percent_done", "repeat_mode",
)  # fmt: skip
_LINKS: Final = {
    "blocking": ("blocks", True),
    "blocked": ("blocks", False),
    "precedes": ("blocks", True),
    "follows": ("blocks", False),
    "related": ("relates_to", True),
    "duplicateof": ("duplicates", True),
    "duplicates": ("duplicates", False),
}


def entries(document: Any) -> Iterator[Entry]:
    """Yield the tasks of all projects of an export."""
    if not isinstance(document, list) or not all(isinstance(each, dict) for each in document):
        raise ImportUnreadable("This is no data.json of Vikunja: it is no list of projects.")
    tasks = [
        (f"[{at}].tasks[{place}]", buckets, task)
        for at, project in enumerate(document)
        for buckets in (_buckets(project),)
        for place, task in enumerate(dicts(project.get("tasks")))
    ]
    types = types_by_depth({text_of(task.get("id")): _parent(task) for _, _, task in tasks})
    for path, buckets, task in tasks:
        yield _entry(path, buckets, task, types)


def _entry(
    path: str, buckets: Mapping[str, str], task: Mapping[str, Any], types: Mapping[str, str]
) -> Entry:
    cells = cells_of({name: value for name, value in task.items() if name not in _PARTED})
    for name in _DAYS:
        if cells.get(name, "").startswith(_NO_DAY):
            cells[name] = ""
    people = names_in(task.get("assignees"))
    id_ = text_of(task.get("id"))
    return Entry(
        path=path,
        cells={
            **cells,
            "id": id_,
            "type": types[id_],
            "description": rich_text(task.get("description")),
            "status": "done"
            if task.get("done") is True
            else buckets.get(text_of(task.get("bucket_id")), ""),
            "assignee": people[0] if people else "",
            "further assignees": ", ".join(people[1:]),
            "parent": _parent(task),
        },
        labels=names_in(task.get("labels")),
        comments=remarks_of(task.get("comments"), "comment", "author", "created"),
        links=tuple(_links(task.get("related_tasks"))),
    )


def _buckets(project: Mapping[str, Any]) -> dict[str, str]:
    found = {text_of(each.get("id")): text_of(each) for each in dicts(project.get("buckets"))}
    return {id_: name for id_, name in found.items() if id_}


def _parent(task: Mapping[str, Any]) -> str:
    above = next(dicts(inside(task.get("related_tasks"), "parenttask")), {})
    return text_of(above.get("id"))


def _links(value: Any) -> Iterator[Link]:
    for name, (kind, has_row_first) in _LINKS.items():
        for other in dicts(inside(value, name)):
            yield Link(kind, text_of(other.get("id")), has_row_first)


FORM: Final = Form(
    names={
        "title": ("title",),
        "item_type": ("type",),
        "description": ("description",),
        "status": ("status",),
        "priority": ("priority",),
        "assignee": ("assignee",),
        "parent": ("parent",),
        "start_date": ("start date",),
        "due_date": ("due date",),
        "external_id": ("id",),
    },
    entries=entries,
)
