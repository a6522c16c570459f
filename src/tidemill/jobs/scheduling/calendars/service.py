"""What one can do with calendars."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from tidemill.core.actor import Actor
from tidemill.core.keysets import after_text
from tidemill.core.pages import Page, PageRequest, page_of
from tidemill.core.ports import Database, Tx
from tidemill.http import check_found, check_written
from tidemill.jobs.folders.models import seen_of
from tidemill.jobs.folders.service import FolderService, hidden_by
from tidemill.jobs.schedule_errors import CalendarInUse, CalendarInvalid, CalendarNotFound
from tidemill.jobs.scheduling.calendars.models import BUILT_IN, Calendar, CalendarRule
from tidemill.jobs.scheduling.calendars.repository import CalendarRepository, calendars_max

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")
Users = Callable[[Tx, str], Sequence[str]]
"""Returns the paths of schedules that run by a calendar."""
Renew = Callable[[Tx, str, CalendarRule], None]
"""Gives the schedules that run by a calendar their next due times."""


class CalendarService:
    """Use cases of calendars."""

    def __init__(
        self, jobs: Database, *, users: Users, renew: Renew, folders: FolderService | None = None
    ) -> None:
        self._folders = folders
        self._database = jobs
        self._users = users
        self._renew = renew
        self._calendars = CalendarRepository()

    async def get(self, name: str, *, actor: Actor) -> Calendar:
        """Return a calendar of the tenant; raises `CalendarNotFound`."""
        return await self._database.read(actor.tenant_id, lambda tx: self._found(tx, name))

    async def list(self, page: PageRequest, *, actor: Actor) -> Page[Calendar]:
        """Return the tenant's own calendars by name."""
        after = after_text(page) or ""
        found = await self._database.read(
            actor.tenant_id,
            lambda tx: self._calendars.page(tx, after=after, limit=page.limit_plus_one),
        )
        return page_of(found, page, lambda calendar: (calendar.name,))

    async def put(
        self, name: str, rule: CalendarRule, *, expected_version: int | None, actor: Actor
    ) -> Calendar:
        """Make a calendar, or change its days."""
        _check_name(name)

        def use_case(tx: Tx) -> Calendar:
            before = self._calendars.find(tx, name, lock="UPDATE")
            check_found(before, expected_version)
            if before is None and len(self._calendars.page(tx, after="", limit=calendars_max)) == (
                calendars_max
            ):
                raise CalendarInvalid("name", f"there are {calendars_max} already, the limit.")
            self._calendars.put(tx, name, rule, by=actor.user_id or actor.id)
            self._renew(tx, name, rule)
            tx.audit(
                "jobs.calendars.put",
                by=actor,
                resource=f"calendar:{name}",
                before=None if before is None else before.rule,
                after=rule,
            )
            after = self._found(tx, name)
            check_written(after, expected_version)
            return after

        return await self._database.write(actor.tenant_id, use_case)

    async def delete(self, name: str, *, expected_version: int | None = None, actor: Actor) -> None:
        """Delete a calendar; raises `CalendarInUse`, which names what the actor may see."""
        hidden = await hidden_by(self._folders, actor)

        def use_case(tx: Tx) -> None:
            calendar = self._found(tx, name, lock="UPDATE")
            check_found(calendar, expected_version)
            users = self._users(tx, name)
            if users:
                raise CalendarInUse(name, *seen_of(users, hidden))
            self._calendars.delete(tx, name)
            tx.audit(
                "jobs.calendars.delete",
                by=actor,
                resource=f"calendar:{name}",
                before=calendar.rule,
            )

        await self._database.write(actor.tenant_id, use_case)

    def _found(self, tx: Tx, name: str, *, lock: str = "") -> Calendar:
        calendar = self._calendars.find(tx, name, lock=lock)
        if calendar is None:
            raise CalendarNotFound(name)
        return calendar


def _check_name(name: str) -> None:
    if name in BUILT_IN:
        raise CalendarInvalid("name", f"{name} is built in; choose another name.")
    if not _NAME.fullmatch(name):
        raise CalendarInvalid("name", "write 1 to 60 characters of a-z, 0-9, '_' and '-'.")
