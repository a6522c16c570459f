"""How time reports look on the wire."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Self

from tidemill.board.time_entries.csv import Cell
from tidemill.board.time_entries.schemas import TimeItemView, TimeUserView
from tidemill.board.time_reports.models import Group, Grouping, Report
from tidemill.board.time_reports.zones import monday_of
from tidemill.board.time_tracking.spans import date_of
from tidemill.http import PageView, View


class TimeProjectView(View, frozen=True, kw_only=True):
    """The project that time was spent in."""

    id: str
    key: str
    name: str


class TimeGroupView(View, frozen=True, kw_only=True):
    """The sum of some entries; what a report is not grouped by is null.

    `day` is a day such as 2026-03-01, `week` the Monday with which the week begins.
    """

    user: TimeUserView | None
    work_item: TimeItemView | None
    project: TimeProjectView | None
    day: str | None
    week: str | None
    entries: int
    seconds: int

    @classmethod
    def of(cls, group: Group) -> Self:
        """Return the view of `group`."""
        return cls(
            user=(
                TimeUserView(id=group.user_id, name=group.user_name)
                if group.user_id is not None
                else None
            ),
            work_item=(
                TimeItemView(
                    id=group.work_item_id,
                    key=group.item_key or "",
                    title=group.item_title or "",
                )
                if group.work_item_id is not None
                else None
            ),
            project=(
                TimeProjectView(
                    id=group.project_id,
                    key=group.project_key or "",
                    name=group.project_name or "",
                )
                if group.project_id is not None
                else None
            ),
            day=_day(group),
            week=_week(group),
            entries=group.entries,
            seconds=group.seconds,
        )


class TimeReportPage(PageView, frozen=True, kw_only=True):
    """A part of a report; `entries` and `seconds` are the totals of the whole report."""

    group_by: list[Grouping]
    time_zone: str
    first_day: str
    last_day: str
    entries: int
    seconds: int
    items: list[TimeGroupView]

    @classmethod
    def of(cls, report: Report) -> Self:
        """Return the view of `report`."""
        query = report.query
        return cls(
            group_by=list(query.grouped_by),
            time_zone=query.time_zone,
            first_day=query.first.isoformat(),
            last_day=query.last.isoformat(),
            entries=report.entries,
            seconds=report.seconds,
            items=[TimeGroupView.of(group) for group in report.groups.items],
            next_cursor=report.groups.next_cursor,
        )


def _day(group: Group) -> str | None:
    return None if group.day is None else date_of(group.day).isoformat()


def _week(group: Group) -> str | None:
    return None if group.week is None else monday_of(group.week).isoformat()


_CELLS: Final[dict[Grouping, Sequence[tuple[str, Callable[[Group], Cell]]]]] = {
    Grouping.USER: (
        ("user_id", lambda group: group.user_id),
        ("user", lambda group: group.user_name),
    ),
    Grouping.ITEM: (
        ("work_item", lambda group: group.item_key),
        ("title", lambda group: group.item_title),
    ),
    Grouping.PROJECT: (
        ("project", lambda group: group.project_key),
        ("name", lambda group: group.project_name),
    ),
    Grouping.DAY: (("day", _day),),
    Grouping.WEEK: (("week", _week),),
}


def report_columns(grouped_by: Sequence[Grouping]) -> list[str]:
    """Return the first line of a report in CSV."""
    names = [name for each in grouped_by for name, _ in _CELLS[each]]
    return [*names, "entries", "seconds"]


def report_row(group: Group, grouped_by: Sequence[Grouping]) -> list[Cell]:
    """Return the cells of a group, in the order of `report_columns`."""
    cells = [cell(group) for each in grouped_by for _, cell in _CELLS[each]]
    return [*cells, group.entries, group.seconds]
