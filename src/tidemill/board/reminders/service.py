"""Reminds people of what is due, each once for each day, by the clock of where they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from zoneinfo import ZoneInfo

from tidemill.board.notification_preferences.models import DefaultsFor
from tidemill.board.notification_preferences.repository import PreferenceRepository
from tidemill.board.reminder_facts import WorkItemDueSoon
from tidemill.board.reminders.models import (
    Waiting,
    days_near,
    is_past,
    reminded_at,
    thought_of_at,
)
from tidemill.board.reminders.repository import ReminderRepository
from tidemill.core.actor import system
from tidemill.core.clock import Instant
from tidemill.core.ids import TenantId, UserId
from tidemill.core.ports import Database, Tx
from tidemill.identity import Contacts

at_once_max: Final = 200
Zones = Mapping[str, ZoneInfo | None]
"""Where people are, None for whoever is no member any more."""


class Reminding:
    """Looks at a tenant when its mark is due; see `Mailing.arrange`."""

    def __init__(self, tenants: Database, contacts: Contacts, defaults: DefaultsFor) -> None:
        self._tenants = tenants
        self._contacts = contacts
        self._defaults = defaults
        self._reminders = ReminderRepository()
        self._preferences = PreferenceRepository()

    async def remind(self, tenant_id: TenantId) -> None:
        """Tell what is due soon, and plan what will be; more than fits waits for the next turn."""
        waiting = await self._tenants.read(tenant_id, self._due)
        if not waiting:
            return
        zones: dict[str, ZoneInfo | None] = {}
        for user_id in dict.fromkeys(one.user_id for one in waiting):
            contact = await self._contacts.contact(tenant_id, UserId(user_id))
            zones[user_id] = None if contact is None else ZoneInfo(contact.time_zone)
        hour = (await self._defaults(system("board", tenant_id))).digest_hour
        await self._tenants.write(tenant_id, lambda tx: self._settle(tx, zones, hour))

    def next_due(self, tx: Tx) -> Instant | None:
        """Return when there is something to do next."""
        first, last = days_near(tx.now)
        planned, day = self._reminders.planned(tx, first, last), self._reminders.next_day(tx, first)
        thought_of = None if day is None else thought_of_at(day)
        return min((at for at in (planned, thought_of) if at is not None), default=None)

    def _due(self, tx: Tx) -> list[Waiting]:
        first, last = days_near(tx.now)
        return self._reminders.due(tx, first, last, limit=at_once_max)

    def _settle(self, tx: Tx, zones: Zones, hour_default: int) -> None:
        for one in self._due(tx):
            # Whoever got the item since the look is asked for the next time.
            if one.user_id in zones:
                self._remind(tx, one, zones[one.user_id], hour_default)
        first, _ = days_near(tx.now)
        self._reminders.sweep(tx, first)

    def _remind(self, tx: Tx, one: Waiting, zone: ZoneInfo | None, hour_default: int) -> None:
        if zone is None or is_past(one.due_date, zone, tx.now):
            self._reminders.plan(tx, one, tx.now, told_at=tx.now)
            return
        own = self._preferences.profile(tx, one.user_id).digest_hour
        due_at = reminded_at(one.due_date, hour_default if own is None else own, zone)
        is_due = (one.due_at or due_at) <= tx.now
        told_at = tx.now if is_due else None
        if self._reminders.plan(tx, one, due_at, told_at=told_at) and is_due:
            fact = WorkItemDueSoon(
                work_item_id=one.work_item_id,
                project_id=one.project_id,
                key=one.key,
                due_date=one.due_date,
                assignee_id=one.user_id,
            )
            tx.record(fact, by=system("board", tx.tenant_id))
