"""Trello's JSON: a board as its menu exports it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Final

from tidemill.board.errors import ImportUnreadable
from tidemill.board.imports.models import Remark
from tidemill.board.imports.sources.contract import Entry, Form
from tidemill.board.imports.sources.values import cells_of, dicts, inside, names_in, text_of

_PARTED: Final = (
    "id", "idList", "idMembers", "labels", "idLabels", "idChecklists", "checklists", "closed",
    "badges", "cover", "limits", "descData", "checkItemStates", "idBoard", "idShort", "pos",
    "dueComplete",
)  # fmt: skip


def entries(document: Any) -> Iterator[Entry]:
    """Yield the cards of a board; archived ones are left out."""
    cards = inside(document, "cards")
    if not isinstance(cards, list) or not isinstance(inside(document, "lists"), list):
        raise ImportUnreadable("This is no board of Trello: it has no `cards` and `lists`.")
    lists = {text_of(each.get("id")): each for each in dicts(document["lists"])}
    people = {
        text_of(each.get("id")): text_of(each.get("fullName"))
        for each in dicts(document.get("members"))
    }
    comments, checklists = _comments(document), _checklists(document)
    for place, each in enumerate(cards):
        path = f"cards[{place}]"
        card = each if isinstance(each, dict) else {}
        id_ = text_of(card.get("id"))
        column = lists.get(text_of(card.get("idList")), {})
        if card.get("closed") is True or column.get("closed") is True:
            yield Entry(path=path, left_out="archived cards")
            continue
        members = [people.get(name, name) for name in names_in(card.get("idMembers"))]
        yield Entry(
            path=path,
            cells={
                **cells_of({name: value for name, value in card.items() if name not in _PARTED}),
                "id": id_,
                "list": "done" if card.get("dueComplete") is True else text_of(column),
                "desc": "\n\n".join(
                    part for part in (text_of(card.get("desc")), *checklists[id_]) if part
                ),
                "member": members[0] if members else "",
                "further members": ", ".join(members[1:]),
            },
            labels=tuple(
                name
                for label in dicts(card.get("labels"))
                # A label may have nothing but a colour.
                if (name := text_of(label.get("name")) or text_of(label.get("color")))
            ),
            comments=tuple(comments[id_]),
        )


def _comments(document: Mapping[str, Any]) -> defaultdict[str, list[Remark]]:
    found: defaultdict[str, list[Remark]] = defaultdict(list)
    for action in dicts(document.get("actions")):
        data = action.get("data")
        text = text_of(inside(data, "text"))
        if action.get("type") == "commentCard" and text.strip():
            author = text_of(inside(action.get("memberCreator"), "fullName"))
            remark = Remark(text, author or None, text_of(action.get("date")) or None)
            found[text_of(inside(inside(data, "card"), "id"))].append(remark)
    for remarks in found.values():
        # The newest comes first in the file.
        remarks.reverse()
    return found


def _checklists(document: Mapping[str, Any]) -> defaultdict[str, list[str]]:
    """Return the checklists of each card as lists of Markdown."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for checklist in dicts(document.get("checklists")):
        lines = [f"**{text_of(checklist.get('name'))}**", ""]
        for each in dicts(checklist.get("checkItems")):
            mark = "x" if each.get("state") == "complete" else " "
            lines.append(f"- [{mark}] {text_of(each.get('name'))}")
        found[text_of(checklist.get("idCard"))].append("\n".join(lines))
    return found


FORM: Final = Form(
    names={
        "title": ("name",),
        "description": ("desc",),
        "status": ("list",),
        "assignee": ("member",),
        "start_date": ("start",),
        "due_date": ("due",),
        "external_id": ("id",),
    },
    entries=entries,
)
