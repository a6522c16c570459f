"""Columns, lanes and limits of a project's board."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from msgspec import Struct, structs

from tidemill.board.board_errors import InvalidBoardSettings
from tidemill.board.contract import ProjectId
from tidemill.board.errors import shown
from tidemill.board.texts import single_line
from tidemill.board.workflows.models import Status, Workflow
from tidemill.core.clock import Instant

columns_max: Final = 30
items_max_max: Final = 10_000
name_chars_max: Final = 100


class LaneField(StrEnum):
    """By what a board can be cut across its columns."""

    ASSIGNEE = "assignee"
    PRIORITY = "priority"
    ITEM_TYPE = "item_type"
    PARENT = "parent"
    EPIC = "epic"
    SPRINT = "sprint"
    LABEL = "label"


class LimitMode(StrEnum):
    """What a limit does: the board shows that it is exceeded, or nothing may exceed it."""

    WARN = "warn"
    ENFORCE = "enforce"


class Limit(Struct, frozen=True, kw_only=True):
    """How many items there may be at once."""

    items_max: int
    mode: LimitMode = LimitMode.WARN

    @property
    def is_enforced(self) -> bool:
        """Return whether writes that exceed it are refused."""
        return self.mode is LimitMode.ENFORCE


class BoardColumn(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A column: the statuses of its items, the first of which is what the column is called by.

    Without a name people read that status's.
    """

    statuses: tuple[str, ...]
    name: str | None = None
    limit: Limit | None = None


class Rules(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What holds for a board. Without columns each status of the workflow is one.

    `lane_limit` holds for each lane by `lane_field`, `person_limit` for each assignee; both count
    started items.
    """

    columns: tuple[BoardColumn, ...] = ()
    lane_field: LaneField | None = None
    lane_limit: Limit | None = None
    person_limit: Limit | None = None

    @property
    def limits(self) -> tuple[Limit, ...]:
        """Return all limits that are set."""
        every = (*(one.limit for one in self.columns), self.lane_limit, self.person_limit)
        return tuple(limit for limit in every if limit is not None)

    @property
    def are_enforced(self) -> bool:
        """Return whether writes must look at a limit."""
        return any(limit.is_enforced for limit in self.limits)


class BoardSettings(Struct, frozen=True, kw_only=True):
    """What holds for the board of a project; what was never set has version 0.

    Each change gives other `id`, under which the rules stay as they are.
    """

    project_id: ProjectId
    id: str | None = None
    rules: Rules = Rules()
    version: int = 0
    updated_at: Instant | None = None
    updated_by: str | None = None


class ShownColumn(Struct, frozen=True, kw_only=True):
    """A column as the workflow lets it be."""

    name: str
    statuses: tuple[Status, ...]
    limit: Limit | None = None

    @property
    def key(self) -> str:
        """Return what the column is called by."""
        return self.statuses[0].key


def valid_rules(rules: Rules, workflow: Workflow) -> Rules:
    """Return `rules` that fit themselves and `workflow`; raises `InvalidBoardSettings`."""
    if len(rules.columns) > columns_max:
        raise InvalidBoardSettings("columns", f"a board has at most {columns_max} columns.")
    seen: set[str] = set()
    columns = []
    for place, column in enumerate(rules.columns):
        param = f"columns[{place}]"
        if not column.statuses:
            raise InvalidBoardSettings(f"{param}.statuses", "name at least one status.")
        _check_statuses(column.statuses, seen, workflow, f"{param}.statuses")
        _check_limit(column.limit, f"{param}.limit")
        name = column.name
        if name is not None:
            name = single_line(name, param=f"{param}.name", chars_max=name_chars_max)
        columns.append(BoardColumn(statuses=column.statuses, name=name, limit=column.limit))
    _check_limit(rules.lane_limit, "lane_limit")
    _check_limit(rules.person_limit, "person_limit")
    if rules.lane_limit is not None and rules.lane_field is None:
        raise InvalidBoardSettings("lane_limit", "name the field of the lanes in lane_field.")
    return Rules(
        columns=tuple(columns),
        lane_field=rules.lane_field,
        lane_limit=rules.lane_limit,
        person_limit=rules.person_limit,
    )


def columns_of(rules: Rules, workflow: Workflow) -> tuple[ShownColumn, ...]:
    """Return the columns of a board in order; statuses that the workflow lost are left out."""
    if not rules.columns:
        return tuple(
            ShownColumn(name=status.name, statuses=(status,)) for status in workflow.statuses
        )
    known = {status.key: status for status in workflow.statuses}
    found = (
        (column, tuple(known[key] for key in column.statuses if key in known))
        for column in rules.columns
    )
    return tuple(
        ShownColumn(name=column.name or statuses[0].name, statuses=statuses, limit=column.limit)
        for column, statuses in found
        if statuses
    )


def known_statuses(rules: Rules, workflow: Workflow) -> Rules:
    """Return `rules` without statuses that the workflow lost, as they can be set again."""
    known = workflow.categories
    columns = (
        structs.replace(one, statuses=tuple(key for key in one.statuses if key in known))
        for one in rules.columns
    )
    return structs.replace(rules, columns=tuple(one for one in columns if one.statuses))


def _check_statuses(
    statuses: Iterable[str], seen: set[str], workflow: Workflow, param: str
) -> None:
    known = workflow.categories
    for status in statuses:
        if status not in known:
            told = f"{shown(status)} is no status of this project. Use {', '.join(known)}."
            raise InvalidBoardSettings(param, told)
        if status in seen:
            raise InvalidBoardSettings(param, f"{status} is in two places; a status has one.")
        seen.add(status)


def _check_limit(limit: Limit | None, param: str) -> None:
    if limit is not None and not 1 <= limit.items_max <= items_max_max:
        told = f"items_max must be a whole number from 1 to {items_max_max}."
        raise InvalidBoardSettings(param, told)
