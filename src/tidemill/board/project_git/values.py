"""Values of files as fields of items, and back; no I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final

from msgspec import UNSET, Struct, structs

from tidemill.board.git_errors import UnreadableFile
from tidemill.board.project_documents.models import Called, ItemPart
from tidemill.board.project_git.item_files import (
    CUSTOM,
    DESCRIPTION,
    Values,
    labels_of,
    labels_text,
)
from tidemill.board.work_items.models import (
    NewWorkItem,
    Priority,
    WorkItemChanges,
    estimate_seconds_max,
)

_KIND_DEFAULT: Final = "task"
_NEEDED: Final = ("title", "type", "status", "priority")


class Names(Struct, frozen=True, kw_only=True):
    """Ids by what files call people and sprints, and which custom fields hold people."""

    people: Mapping[str, str]
    sprints: Mapping[str, str]
    of_people: frozenset[str]

    @classmethod
    def of(cls, called: Called, people: Mapping[str, str], of_people: frozenset[str]) -> Names:
        """Return the names that `called` gives; `people` are names by ids."""
        return cls(
            people={called.people.name(id_): id_ for id_ in people},
            sprints={name: id_ for id_, name in called.sprints.items()},
            of_people=of_people,
        )


def values_of(part: ItemPart) -> dict[str, str]:
    """Return what the file of an item says."""
    said = {
        "title": part.title,
        "type": part.item_type,
        "status": part.status,
        "priority": part.priority,
        "assignee": part.assignee or "",
        "parent": part.parent or "",
        "labels": labels_text(part.labels),
        "points": _number_text(part.points),
        "estimate_seconds": _number_text(part.estimate_seconds),
        "start": str(part.start_date or ""),
        "due": str(part.due_date or ""),
        "sprint": part.sprint or "",
        "archived": "true" if part.archived_at else "",
        DESCRIPTION: part.description or "",
        **{f"{CUSTOM}{key}": value for key, value in part.custom_fields.items()},
    }
    return {name: value for name, value in said.items() if value}


def changes_of(values: Values, names: Names) -> WorkItemChanges:
    """Return what `values`, of which '' empties a field, change; raises `UnreadableFile`."""
    wanted: dict[str, Any] = {}
    custom: dict[str, str | None] = {}
    for name, value in values.items():
        if name in _NEEDED and not value:
            raise UnreadableFile(f"{name}: it cannot be empty.")
        if name.startswith(CUSTOM):
            custom[name.removeprefix(CUSTOM)] = _custom(name, value, names)
        else:
            field, made = _field(name, value, names)
            wanted[field] = made
    return WorkItemChanges(**wanted, custom_fields=custom or UNSET)


def new_of(values: Values, names: Names, project: str) -> NewWorkItem:
    """Return the item that a new file makes; raises `UnreadableFile`."""
    said = {"type": _KIND_DEFAULT, **{name: value for name, value in values.items() if value}}
    said.pop("archived", None)
    changes = changes_of(said, names)
    given = {
        field: value for field, value in structs.asdict(changes).items()
        if value is not UNSET and field not in {"add_labels", "remove_labels"}
    }  # fmt: skip
    return NewWorkItem(project=project, **given)


def _field(name: str, value: str, names: Names) -> tuple[str, object]:
    made: dict[str, Callable[[], tuple[str, object]]] = {
        "type": lambda: ("item_type", value),
        "priority": lambda: ("priority", _priority(value)),
        "assignee": lambda: ("assignee_id", _person("assignee", value, names)),
        "sprint": lambda: ("sprint", _sprint(value, names)),
        "labels": lambda: ("labels", labels_of(value)),
        "points": lambda: ("points", _number(name, value)),
        "estimate_seconds": lambda: ("estimate_seconds", _number(name, value)),
        "start": lambda: ("start_date", _day(name, value)),
        "due": lambda: ("due_date", _day(name, value)),
        "archived": lambda: ("archived", value == "true"),
    }
    return made[name]() if name in made else (name, value or None)


def _priority(value: str) -> Priority:
    if value not in set(Priority):
        raise UnreadableFile(f"priority: one of {', '.join(Priority)}.")
    return Priority(value)


def _custom(name: str, value: str, names: Names) -> str | None:
    key = name.removeprefix(CUSTOM)
    return _person(name, value, names) if key in names.of_people else value or None


def _person(name: str, value: str, names: Names) -> str | None:
    if not value:
        return None
    if value not in names.people:
        raise UnreadableFile(f"{name}: nobody is called {value[:80]!r}, or more than one.")
    return names.people[value]


def _sprint(value: str, names: Names) -> str | None:
    if not value:
        return None
    if value not in names.sprints:
        raise UnreadableFile(f"sprint: no sprint of the project is called {value[:80]!r}.")
    return names.sprints[value]


def _number(name: str, value: str) -> int | None:
    if not value:
        return None
    if not (value.isascii() and value.isdigit() and len(value) < 12):
        raise UnreadableFile(f"{name}: a whole number, such as 3.")
    number = int(value)
    if name == "estimate_seconds" and number > estimate_seconds_max:
        raise UnreadableFile(f"{name}: at most {estimate_seconds_max}.")
    return number


def _number_text(number: float | None) -> str:
    return "" if number is None else str(number)


def _day(name: str, value: str) -> date | None:
    try:
        return date.fromisoformat(value) if value else None
    except ValueError:
        raise UnreadableFile(f"{name}: a day, such as 2026-03-31.") from None
