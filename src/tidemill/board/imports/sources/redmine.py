"""Redmine's JSON: what `/issues.json` and `/issues/ID.json` answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from tidemill.board.errors import ImportUnreadable
from tidemill.board.imports.models import Link
from tidemill.board.imports.sources.contract import Entry, Form
from tidemill.board.imports.sources.values import cells_of, dicts, inside, remarks_of, text_of

_PARTED: Final = ("journals", "relations", "parent", "custom_fields", "category")
_LINKS: Final = {
    "blocks": "blocks",
    "precedes": "blocks",
    "relates": "relates_to",
    "duplicates": "duplicates",
}


def entries(document: Any) -> Iterator[Entry]:
    """Yield the issues of a list, or the one of a single answer."""
    issues = inside(document, "issues")
    single = inside(document, "issue")
    if isinstance(issues, list):
        found = [(f"issues[{place}]", issue) for place, issue in enumerate(issues)]
    elif isinstance(single, dict):
        found = [("issue", single)]
    else:
        raise ImportUnreadable("This is no answer of Redmine: it has no list `issues`.")
    for path, issue in found:
        yield _entry(path, issue if isinstance(issue, dict) else {})


def _entry(path: str, issue: Mapping[str, Any]) -> Entry:
    category = text_of(issue.get("category"))
    return Entry(
        path=path,
        cells={
            **cells_of({name: value for name, value in issue.items() if name not in _PARTED}),
            # Somebody may have called a field of their own as one that each issue has.
            **{
                name: text_of(field.get("value"))
                for field in dicts(issue.get("custom_fields"))
                if (name := text_of(field.get("name"))) not in issue
            },
            "parent": text_of(inside(issue.get("parent"), "id")),
        },
        labels=(category,) if category else (),
        comments=remarks_of(issue.get("journals"), "notes", "user", "created_on"),
        links=tuple(_links(text_of(issue.get("id")), issue.get("relations"))),
    )


def _links(id_: str, value: Any) -> Iterator[Link]:
    for relation in dicts(value):
        kind = _LINKS.get(text_of(relation.get("relation_type")))
        first, second = text_of(relation.get("issue_id")), text_of(relation.get("issue_to_id"))
        if kind is not None and first and second:
            has_row_first = first == id_
            yield Link(kind, second if has_row_first else first, has_row_first)


FORM: Final = Form(
    names={
        "title": ("subject",),
        "item_type": ("tracker",),
        "description": ("description",),
        "status": ("status",),
        "priority": ("priority",),
        "assignee": ("assigned to",),
        "parent": ("parent",),
        "points": ("story points",),
        "estimate_hours": ("estimated hours",),
        "start_date": ("start date",),
        "due_date": ("due date",),
        "external_id": ("id",),
    },
    entries=entries,
)
