"""GitHub's JSON: the issues of a repository as its REST API lists them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from tidemill.board.errors import ImportUnreadable
from tidemill.board.imports.sources.contract import Entry, Form
from tidemill.board.imports.sources.kinds import types_by_depth
from tidemill.board.imports.sources.values import cells_of, inside, names_in, text_of

_PARTED: Final = (
    "number",
    "repository_url",
    "assignees",
    "assignee",
    "labels",
    "milestone",
    "type",
    "state",
    "state_reason",
)


def entries(document: Any) -> Iterator[Entry]:
    """Yield the issues of a list; of `--paginate --slurp`, which is a list of lists, those of all.

    Pull requests, which the API lists with the issues, are left out.
    """
    if not isinstance(document, list):
        raise ImportUnreadable("This is no list of issues. `gh api` gives one with --paginate.")
    found = list(_issues(document))
    types = types_by_depth({_id(issue): _parent(issue) for _, issue in found})
    for path, issue in found:
        if issue.get("pull_request") is not None:
            yield Entry(path=path, left_out="pull requests")
        else:
            yield _entry(path, issue, types)


def _issues(document: list[Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for place, each in enumerate(document):
        pages = enumerate(each) if isinstance(each, list) else ((None, each),)
        for inner, issue in pages:
            path = f"[{place}]" if inner is None else f"[{place}][{inner}]"
            yield path, issue if isinstance(issue, dict) else {}


def _entry(path: str, issue: Mapping[str, Any], types: Mapping[str, str]) -> Entry:
    labels = names_in(issue.get("labels"))
    kind = text_of(issue.get("type"))
    if not kind and not _parent(issue) and any(name.casefold() == "bug" for name in labels):
        kind = "bug"
    assignees = names_in(issue.get("assignees")) or names_in([issue.get("assignee")])
    reason = text_of(issue.get("state_reason"))
    is_dropped = reason in {"not_planned", "duplicate"}
    return Entry(
        path=path,
        cells={
            **cells_of({name: value for name, value in issue.items() if name not in _PARTED}),
            "number": _id(issue),
            "type": kind or types[_id(issue)],
            "state": reason if is_dropped else text_of(issue.get("state")),
            "assignee": assignees[0] if assignees else "",
            "further assignees": ", ".join(assignees[1:]),
            "milestone": text_of(issue.get("milestone")),
            "due": text_of(inside(issue.get("milestone"), "due_on")),
            "parent": _parent(issue),
        },
        labels=labels,
    )


def _id(issue: Mapping[str, Any]) -> str:
    number = text_of(issue.get("number"))
    repository = _tail(text_of(issue.get("repository_url")), 2)
    return f"{repository}#{number}" if repository and number else number


def _parent(issue: Mapping[str, Any]) -> str:
    """Return the id of the issue whose sub-issue this is."""
    url = text_of(issue.get("parent_issue_url"))
    owner, _, number = _tail(url, 4).rpartition("/issues/")
    return f"{owner}#{number}" if number else ""


def _tail(url: str, count: int) -> str:
    return "/".join(url.rstrip("/").split("/")[-count:])


FORM: Final = Form(
    names={
        "title": ("title",),
        "item_type": ("type",),
        "description": ("body",),
        "status": ("state",),
        "assignee": ("assignee",),
        "parent": ("parent",),
        "due_date": ("due",),
        "external_id": ("number",),
    },
    entries=entries,
)
