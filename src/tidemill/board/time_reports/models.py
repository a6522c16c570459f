"""What a report is asked for, and what it tells."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Final

from msgspec import Struct

from tidemill.board.contract import ProjectId, WorkItemId
from tidemill.board.time_errors import InvalidGrouping, InvalidPeriod
from tidemill.core.pages import Page

report_days_max: Final = 3_660
_OLDEST: Final = date(2000, 1, 1)
_LATEST: Final = date(9000, 1, 1)


class Grouping(StrEnum):
    """By what entries are put together."""

    USER = "user"
    ITEM = "item"
    PROJECT = "project"
    DAY = "day"
    WEEK = "week"


class ReportQuery(Struct, frozen=True, kw_only=True):
    """Which entries are told, and by what; `first` and `last` belong to the period."""

    grouped_by: tuple[Grouping, ...]
    time_zone: str
    first: date
    last: date
    user_id: str | None = None
    work_item_id: WorkItemId | None = None
    project_id: ProjectId | None = None


class Group(Struct, frozen=True):
    """Entries with the same user, item, project, day and week, as far as these group them."""

    user_id: str | None
    user_name: str | None
    work_item_id: WorkItemId | None
    item_number: int | None
    item_title: str | None
    project_id: ProjectId | None
    project_key: str | None
    project_name: str | None
    day: int | None
    week: int | None
    entries: int
    seconds: int

    @property
    def item_key(self) -> str | None:
        """Return the number of the item that people see, such as `TM-12`."""
        return None if self.item_number is None else f"{self.project_key}-{self.item_number}"


class Report(Struct, frozen=True, kw_only=True):
    """A page of groups, and the totals of the whole report."""

    query: ReportQuery
    groups: Page[Group]
    entries: int
    seconds: int


def groupings(text: str) -> tuple[Grouping, ...]:
    """Return what `user,day` names; raises `InvalidGrouping`."""
    try:
        named = tuple(Grouping(word.strip()) for word in text.split(","))
    except ValueError as error:
        raise InvalidGrouping from error
    if len(set(named)) != len(named):
        raise InvalidGrouping
    return named


def check_period(first: date, last: date) -> None:
    """Return when a report may cover these days; raises `InvalidPeriod`."""
    is_known = _OLDEST <= first <= last <= _LATEST
    if not is_known or (last - first).days >= report_days_max:
        raise InvalidPeriod(report_days_max)
