"""Jira's JSON: what `/rest/api/2/search` and `/rest/api/3/search` answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from tidemill.board.errors import ImportUnreadable
from tidemill.board.imports.models import Link
from tidemill.board.imports.sources.contract import Entry, Form
from tidemill.board.imports.sources.values import (
    cells_of,
    dicts,
    inside,
    names_in,
    remarks_of,
    rich_text,
    text_of,
)

# What an issue does to the one that a link names as its outward end.
_LINKS: Final = {"blocks": "blocks", "relates": "relates_to", "duplicate": "duplicates"}
# Held by each issue, and known from others or of no use elsewhere.
_TOLD: Final = ("summary", "description", "labels", "comment", "issuelinks")


def entries(document: Any) -> Iterator[Entry]:
    """Yield the issues of a search, or of a list of issues."""
    issues = document if isinstance(document, list) else inside(document, "issues")
    if not isinstance(issues, list):
        raise ImportUnreadable("This is no search of Jira: it has no list `issues`.")
    root = "" if isinstance(document, list) else "issues"
    for place, issue in enumerate(issues):
        fields = inside(issue, "fields")
        yield _entry(f"{root}[{place}]", issue, fields if isinstance(fields, dict) else {})


def _entry(path: str, issue: Any, fields: Mapping[str, Any]) -> Entry:
    cells = cells_of({name: value for name, value in fields.items() if name not in _TOLD})
    return Entry(
        path=path,
        cells={
            **cells,
            "key": text_of(inside(issue, "key")),
            "id": text_of(inside(issue, "id")),
            "summary": text_of(fields.get("summary")),
            "description": rich_text(fields.get("description")),
            "parent": text_of(inside(fields.get("parent"), "key")),
            "statusCategory": text_of(
                inside(inside(fields.get("status"), "statusCategory"), "key")
            ),
        },
        labels=names_in(fields.get("labels")),
        comments=remarks_of(inside(fields.get("comment"), "comments"), "body", "author", "created"),
        links=tuple(_links(fields.get("issuelinks"))),
    )


def _links(value: Any) -> Iterator[Link]:
    for link in dicts(value):
        kind = _LINKS.get(text_of(inside(link.get("type"), "name")).casefold())
        for end, has_row_first in (("outwardIssue", True), ("inwardIssue", False)):
            other = text_of(inside(link.get(end), "key"))
            if kind is not None and other:
                yield Link(kind, other, has_row_first)


FORM: Final = Form(
    names={
        "title": ("summary",),
        "item_type": ("issuetype",),
        "description": ("description",),
        "status": ("status",),
        "status_hint": ("statuscategory",),
        "priority": ("priority",),
        # Of the epic in sites where issues have no parents of that kind.
        "parent": ("parent",),
        "assignee": ("assignee",),
        "estimate_seconds": ("timeoriginalestimate",),
        "due_date": ("duedate",),
        "external_id": ("key",),
        "alias": ("id",),
    },
    entries=entries,
)
