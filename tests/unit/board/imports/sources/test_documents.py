"""JSON and CSV of other tools, in the shapes that their documents and sources give.

Jira: /rest/api/2/search. GitHub: "List repository issues" of its REST API. Trello: the export of a
board. Plane: `bgtasks/export_task.py`. Redmine: wiki page Rest_Issues. Vikunja:
`pkg/models/export.go`.
"""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tidemill.board.errors import ImportTooLarge, ImportUnreadable
from tidemill.board.imports.mapping import read_backlog
from tidemill.board.imports.models import (
    Backlog,
    Draft,
    ImportMapping,
    Link,
    Reading,
    SourceFormat,
)
from tidemill.board.limits import BoardLimits

JIRA: dict[str, Any] = {
    "issues": [
        {
            "id": "10001",
            "key": "TIDE-1",
            "fields": {
                "summary": "Read the tide tables",
                "issuetype": {"name": "Task", "subtask": False},
                "status": {"name": "In Dev", "statusCategory": {"key": "indeterminate"}},
                "priority": {"name": "Highest"},
                "assignee": {"displayName": "Ada Lovelace"},
                "labels": ["tides, high", "moon"],
                "duedate": "2026-03-31",
                "timeoriginalestimate": 5400,
                "customfield_10032": 3.0,
                "fixVersions": [{"name": "1.0"}],
                "description": {
                    "type": "doc",
                    "content": [
                        {"type": "paragraph", "content": [{"type": "text", "text": "By night"}]}
                    ],
                },
                "comment": {
                    "comments": [
                        {
                            "author": {"displayName": "Bob"},
                            "body": "Ask @ada",
                            "created": "2026-01-02T10:00:00.000+0000",
                        }
                    ]
                },
                "issuelinks": [
                    {"type": {"name": "Blocks"}, "outwardIssue": {"key": "TIDE-2"}},
                ],
            },
        },
        {
            "id": "10002",
            "key": "TIDE-2",
            "fields": {
                "summary": "Sail",
                "issuetype": {"name": "Sub-task"},
                "status": {"name": "To Do"},
                "parent": {"key": "TIDE-1"},
                "issuelinks": [{"type": {"name": "Blocks"}, "inwardIssue": {"key": "TIDE-1"}}],
            },
        },
    ]
}
GITHUB = [
    {
        "number": 7,
        "repository_url": "https://api.github.com/repos/tide/mill",
        "title": "It leaks",
        "state": "closed",
        "state_reason": "not_planned",
        "labels": [{"name": "bug"}],
        "assignees": [{"login": "ada"}, {"login": "bob"}],
        "milestone": {"title": "1.0", "due_on": "2026-04-01T07:00:00Z"},
        "body": "By night",
    },
    {"number": 8, "title": "Fix", "state": "open", "pull_request": {"url": "…"}},
]
TRELLO = {
    "name": "Harbour",
    "lists": [{"id": "l1", "name": "Doing"}, {"id": "l2", "name": "Old", "closed": True}],
    "members": [{"id": "m1", "fullName": "Ada Lovelace"}],
    "cards": [
        {
            "id": "c1",
            "name": "Paint",
            "desc": "Both sides",
            "idList": "l1",
            "idMembers": ["m1"],
            "due": "2026-03-31T12:00:00.000Z",
            "dueComplete": False,
            "labels": [{"name": "hull", "color": "green"}, {"name": "", "color": "red"}],
        },
        {"id": "c2", "name": "Gone", "idList": "l2"},
        {"id": "c3", "name": "Gone, too", "idList": "l1", "closed": True},
    ],
    "actions": [
        {
            "type": "commentCard",
            "date": "2026-01-03T09:00:00Z",
            "data": {"card": {"id": "c1"}, "text": "Still wet"},
            "memberCreator": {"fullName": "Bob"},
        }
    ],
    "checklists": [
        {"idCard": "c1", "name": "Steps", "checkItems": [{"name": "Scrape", "state": "complete"}]}
    ],
}
PLANE = [
    {
        "ID": "HARB-3",
        "Project": "Harbour",
        "Name": "Dredge",
        "Description": "<p>Slowly</p>",
        "State": "In Progress",
        "Priority": "urgent",
        "Assignee": "Ada",
        "Labels": "mud",
        "Target Date": "2026-05-01",
    }
]
REDMINE = {
    "issues": [
        {
            "id": 12,
            "tracker": {"id": 2, "name": "Feature"},
            "status": {"id": 1, "name": "Feedback"},
            "priority": {"id": 5, "name": "Immediate"},
            "assigned_to": {"id": 3, "name": "Ada Lovelace"},
            "subject": "Light the pier",
            "start_date": "2026-03-01",
            "due_date": "2026-03-02",
            "estimated_hours": 1.5,
            "relations": [
                {"id": 1, "issue_id": 11, "issue_to_id": 12, "relation_type": "blocks"},
            ],
            "journals": [
                {"user": {"name": "Bob"}, "notes": "", "created_on": "2026-01-01T00:00:00Z"},
                {"user": {"name": "Bob"}, "notes": "Bright", "created_on": "2026-01-01T00:00:00Z"},
            ],
        }
    ]
}
VIKUNJA = [
    {
        "id": 1,
        "title": "Harbour",
        "buckets": [{"id": 5, "title": "Doing"}],
        "tasks": [
            {
                "id": 40,
                "title": "Refit",
                "done": False,
                "bucket_id": 5,
                "priority": 4,
                "due_date": "0001-01-01T00:00:00Z",
                "related_tasks": {"subtask": [{"id": 41}]},
            },
            {
                "id": 41,
                "title": "Caulk",
                "done": True,
                "description": "<p>Twice</p>",
                "assignees": [{"name": "", "username": "ada"}],
                "labels": [{"title": "hull"}],
                "related_tasks": {"parenttask": [{"id": 40}]},
                "comments": [{"comment": "Done", "author": {"username": "bob"}}],
            },
        ],
    }
]


def _read(document: Any, format_: str, **mapping: Any) -> Backlog:
    data = document if isinstance(document, bytes) else msgspec.json.encode(document)
    reading = Reading(format=SourceFormat(format_), mapping=ImportMapping(**mapping))
    return read_backlog(data, BoardLimits(), reading=reading)


def _fields(draft: Draft) -> tuple[Any, ...]:
    return (draft.external_id, draft.item_type, draft.status, draft.priority, draft.assignee)


def test_documents_of_jira_become_drafts() -> None:
    backlog = _read(JIRA, "jira", columns={"customfield_10032": "points"})

    first, second = backlog.drafts
    assert _fields(first) == ("jira:TIDE-1", "story", "in_progress", "critical", "Ada Lovelace")
    assert (first.path, first.points, first.estimate_seconds) == ("issues[0]", 3, 5400)
    assert (first.labels, first.description) == (("tides high", "moon"), "By night")
    assert first.comments[0].content == "*Bob, 2026-01-02T10:00:00.000+0000*\n\nAsk @ada"
    assert first.comments[0].mentions == {}
    assert first.links == (Link("blocks", "TIDE-2", True),)
    assert (second.item_type, second.status, second.parent) == ("task", "todo", "TIDE-1")
    assert "fixVersions" in [one.header for one in backlog.columns if one.field is None]
    assert [draft.problems for draft in backlog.drafts] == [(), ()]


def test_documents_of_jira_as_csv_have_repeated_columns() -> None:
    text = (
        "Summary,Issue key,Issue id,Issue Type,Status,Status Category,Labels,Labels,Sprint,Sprint,"
        "Comment,Comment,Outward issue link (Blocks),Custom field (Story Points),Parent,"
        "Custom field (Epic Link)\n"
        "Season,T-1,1,Epic,In Dev,In Progress,a,b,S1,S2,"
        '02/Jan/26 9:00 AM;5b10;"First; second",Plain,T-2,5.0,,\n'
        "Race,T-2,2,Story,Done,Done,,,,,,,,,1,\n"
        "Sail,T-3,3,Task,Done,Done,,,,,,,,,,T-1\n"
    ).replace('"First; second"', "First; second")

    season, race, sail = _read(text.encode(), "jira").drafts

    assert (season.labels, season.points, season.status) == (("a", "b"), 5, "in_progress")
    assert [each.content for each in season.comments] == [
        "*5b10, 02/Jan/26 9:00 AM*\n\nFirst; second",
        "Plain",
    ]
    assert season.links == (Link("blocks", "T-2", True),)
    assert (race.alias, race.parent, sail.parent) == ("jira:2", "1", "T-1")


def test_documents_of_github_leave_pull_requests_out() -> None:
    backlog = _read(GITHUB, "github")

    (draft,) = backlog.drafts
    assert _fields(draft) == ("github:tide/mill#7", "bug", "cancelled", "medium", "ada")
    assert (draft.labels, draft.due_date) == (("bug",), "2026-04-01")
    assert backlog.left_out == ("1 pull requests",)
    unused = [one.header for one in backlog.columns if one.field is None]
    assert "further assignees" in unused
    assert "state_reason" not in unused


def test_documents_of_trello_leave_archived_cards_out() -> None:
    backlog = _read(TRELLO, "trello")

    (draft,) = backlog.drafts
    assert _fields(draft) == ("trello:c1", "task", "in_progress", "medium", "Ada Lovelace")
    assert draft.labels == ("hull", "red")
    assert draft.description == "Both sides\n\n**Steps**\n\n- [x] Scrape"
    assert draft.comments[0].content.endswith("Still wet")
    assert backlog.left_out == ("2 archived cards",)


def test_documents_of_plane_become_drafts() -> None:
    (draft,) = _read(PLANE, "plane").drafts

    assert _fields(draft) == ("plane:HARB-3", "task", "in_progress", "critical", "Ada")
    assert (draft.description, draft.due_date, draft.labels) == ("Slowly", "2026-05-01", ("mud",))


def test_documents_of_redmine_become_drafts() -> None:
    (draft,) = _read(REDMINE, "redmine").drafts

    assert _fields(draft) == ("redmine:12", "story", "review", "critical", "Ada Lovelace")
    assert (draft.estimate_seconds, draft.links) == (5400, (Link("blocks", "11", False),))
    assert [each.content.split("\n")[-1] for each in draft.comments] == ["Bright"]


def test_documents_of_redmine_as_csv_have_an_id_under_a_sign() -> None:
    text = b"#,Tracker,Status,Subject,Parent task,Estimated time\n7,Bug,New,Sail,6,0.5\n"

    (draft,) = _read(text, "redmine").drafts

    assert (draft.external_id, draft.parent, draft.estimate_seconds) == ("redmine:7", "6", 1800)


def test_documents_of_vikunja_get_types_of_their_place() -> None:
    refit, caulk = _read(VIKUNJA, "vikunja").drafts

    assert _fields(refit) == ("vikunja:40", "story", "in_progress", "critical", None)
    assert refit.due_date is None
    assert _fields(caulk) == ("vikunja:41", "task", "done", "medium", "ada")
    assert (caulk.parent, caulk.labels, caulk.description) == ("40", ("hull",), "Twice")


def test_documents_say_what_is_wrong_with_an_entry_and_what_a_mapping_makes_of_it() -> None:
    board = {**TRELLO, "lists": [{"id": "l1", "name": "On air"}]}

    wrong = _read(board, "trello").drafts[0]
    (problem,) = wrong.problems
    right = _read(board, "trello", statuses={"on air": "done"}, people={"ada lovelace": None})

    assert (wrong.place, problem.column, problem.value) == ("cards[0]", "list", "On air")
    assert "one of: backlog, todo" in problem.expected
    assert (right.drafts[0].status, right.drafts[0].assignee) == ("done", None)


@pytest.mark.parametrize(
    "mapping",
    [{"statuses": {"x": "sunk"}}, {"types": {"x": "whale"}}, {"columns": {"x": "mood"}}],
)
def test_documents_refuse_a_mapping_to_what_is_not_there(mapping: dict[str, Any]) -> None:
    with pytest.raises(ImportUnreadable, match="one of: ") as refused:
        _read(TRELLO, "trello", **mapping)

    assert refused.value.param == f"mapping.{next(iter(mapping))}"


@pytest.mark.parametrize("format_", ["jira", "github", "trello", "plane", "redmine", "vikunja"])
@pytest.mark.parametrize(
    "hostile",
    [
        b"[" * 100_000,
        b'{"issues": ' + b"[" * 5_000 + b"]" * 5_000 + b"}",
        b"[1e999999]",
        b"{",
        b"[\xff]",
        b'"text"',
        b"PK\x03\x04archive",
        b"[" + b"1" * 5_000 + b", null, {}, [[]]]",
        b'{"issues": [null, 1, {"fields": []}], "cards": [7], "lists": [null]}',
    ],
)
def test_documents_that_are_hostile_are_refused_or_have_wrong_rows(
    format_: str, hostile: bytes
) -> None:
    try:
        backlog = _read(hostile, format_)
    except ImportUnreadable:
        return

    assert all(draft.problems for draft in backlog.drafts)


def test_documents_are_bounded() -> None:
    with pytest.raises(ImportTooLarge, match="more than 1 entries"):
        read_backlog(
            msgspec.json.encode(JIRA),
            BoardLimits(import_rows_max=1),
            reading=Reading(format=SourceFormat.JIRA),
        )


@pytest.mark.parametrize(
    "document",
    [
        msgspec.json.encode([{f"{row}-{name}": 1 for name in range(100)} for row in range(60)]),
        b"title" + b",x" * 5_000 + b"\nSail\n",
    ],
)
def test_documents_are_no_wider_than_anybody_needs(document: bytes) -> None:
    with pytest.raises(ImportTooLarge, match="more than 5000"):
        _read(document, "plane")


@pytest.mark.parametrize("header", ["comment", "outward issue link (blocks)"])
def test_documents_bring_a_bounded_number_of_comments_and_links(header: str) -> None:
    row = "Sail," + ",".join(f"TIDE-{number}" for number in range(450))
    table = f"summary{f',{header}' * 450}\n" + f"{row}\n" * 100

    with pytest.raises(ImportTooLarge, match="more than 20000 comments, or more than 40000 links"):
        _read(table.encode(), "jira")


def test_documents_of_trello_take_no_longer_for_a_card_of_which_much_is_said() -> None:
    """With time that grows with the square of the number these would take minutes."""
    checklists = [{"idCard": "c", "name": "n" * 50, "checkItems": []} for _ in range(20_000)]
    board = {"lists": [], "cards": [{"id": "c", "name": "Sail"}], "checklists": checklists}
    [draft] = _read(board, "trello").drafts

    assert [problem.column for problem in draft.problems] == ["desc"]


def test_documents_of_vikunja_may_have_anything_for_a_bucket() -> None:
    tasks = [
        {"id": 1, "title": "Sail", "bucket_id": [1]},
        {"id": 2, "title": "Row", "bucket_id": 3},
    ]
    project = {"buckets": [{"id": {}, "title": "Odd"}, {"id": 3, "title": "Doing"}], "tasks": tasks}

    drafts = _read([project], "vikunja").drafts

    assert [(draft.status, draft.problems) for draft in drafts] == [
        ("backlog", ()),
        ("in_progress", ()),
    ]


def test_documents_with_an_entry_without_an_id_keep_the_types_of_the_others() -> None:
    found = _read([{"title": "Sail", "number": 1}, {"title": "No number"}], "github")

    assert [draft.item_type for draft in found.drafts] == ["task", "task"]


def test_documents_of_redmine_keep_what_each_issue_has_from_fields_of_its_name() -> None:
    custom = [{"name": "id", "value": "K-7"}, {"name": "Story points", "value": "3"}]
    found = _read({"issues": [{"id": 4, "subject": "Sail", "custom_fields": custom}]}, "redmine")

    assert [(each.external_id, each.points) for each in found.drafts] == [("redmine:4", 3)]
