"""What one can ask of tracked time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import date
from typing import Final

from tidemill.board.project_access.database import WalledDatabase
from tidemill.board.time_reports.models import Group, Grouping, Report, ReportQuery, check_period
from tidemill.board.time_reports.repository import TimeReportRepository, key_of
from tidemill.board.time_reports.zones import Period, period_of, today
from tidemill.board.zones import zone_named
from tidemill.core.actor import Actor
from tidemill.core.clock import Clock
from tidemill.core.pages import InvalidCursor, Key, PageRequest, page_of
from tidemill.core.ports import Database, Tx

exported_groups_per_page: Final = 5_000
_text_chars_max: Final = 100
_NUMBERED: Final = frozenset({Grouping.DAY, Grouping.WEEK})
_number_max: Final = 2**31


class TimeReportService:
    """Use cases of time reports."""

    def __init__(self, tenants: Database, clock: Clock) -> None:
        self._tenants = WalledDatabase(tenants)
        self._clock = clock
        self._reports = TimeReportRepository()

    def days(self, first: date | None, last: date | None, time_zone: str) -> tuple[date, date]:
        """Return the days of a report: what is left out is the current month so far.

        Raises `UnknownTimeZone` and `InvalidPeriod`.
        """
        now = today(zone_named(time_zone), self._clock.now())
        until = last or now
        since = first or until.replace(day=1)
        check_period(since, until)
        return since, until

    async def report(self, query: ReportQuery, page: PageRequest, *, actor: Actor) -> Report:
        """Return a page of groups, with the totals of all.

        Raises `UnknownTimeZone` and `InvalidPeriod`.
        """
        period = _period(query)
        after = _after(query, page)

        def use_case(tx: Tx) -> Report:
            rows = self._reports.groups(tx, query, period, after=after, limit=page.limit_plus_one)
            entries, seconds = self._reports.totals(tx, query, period)
            groups = page_of(rows, page, lambda group: key_of(group, query))
            return Report(query=query, groups=groups, entries=entries, seconds=seconds)

        return await self._tenants.read(actor, use_case)

    async def export(self, query: ReportQuery, *, actor: Actor) -> AsyncIterator[Sequence[Group]]:
        """Yield pages of all groups; raises `UnknownTimeZone` and `InvalidPeriod`."""
        period = _period(query)
        after: Key | None = None
        while True:
            rows = await self._tenants.read(actor, self._exported(query, period, after))
            yield rows
            if len(rows) < exported_groups_per_page:
                return
            after = key_of(rows[-1], query)

    def _exported(
        self, query: ReportQuery, period: Period, after: Key | None
    ) -> Callable[[Tx], Sequence[Group]]:
        return lambda tx: self._reports.groups(
            tx, query, period, after=after, limit=exported_groups_per_page
        )


def _period(query: ReportQuery) -> Period:
    check_period(query.first, query.last)
    return period_of(query.first, query.last, zone_named(query.time_zone))


def _after(query: ReportQuery, page: PageRequest) -> Key | None:
    """Return the group to go on after; raises `InvalidCursor` for what is none of this report."""
    if page.after is None:
        return None
    if len(page.after) != len(query.grouped_by):
        raise InvalidCursor
    for value, grouping in zip(page.after, query.grouped_by, strict=True):
        if not (_is_number(value) if grouping in _NUMBERED else _is_text(value)):
            raise InvalidCursor
    return page.after


def _is_number(value: str | int | None) -> bool:
    return isinstance(value, int) and 0 <= value < _number_max


def _is_text(value: str | int | None) -> bool:
    if not isinstance(value, str) or len(value) > _text_chars_max:
        return False
    return value.isascii() and value.isprintable()
