"""A projection: in the transaction of its cursor, so that nobody hears twice, or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Protocol

from tidemill.board.bulk_facts import (
    BulkFact,
    WorkItemsDeleted,
    WorkItemsRestored,
    WorkItemsUpdated,
)
from tidemill.board.comment_facts import CommentCreated, PeopleMentioned
from tidemill.board.contract import (
    BoardFact,
    FieldChange,
    WorkItemCreated,
    WorkItemDeleted,
    WorkItemRestored,
    WorkItemUpdated,
)
from tidemill.board.dependency_facts import WorkItemUnblocked
from tidemill.board.notification_preferences.models import Defaults, DefaultsFor
from tidemill.board.notifications.models import (
    DELETED,
    Event,
    Heard,
    Notification,
    Reason,
    Wish,
    gathered,
    shown_values,
    told_change,
)
from tidemill.board.notifications.repository import NotificationRepository
from tidemill.board.notifications.service import Bell
from tidemill.board.notifying.repository import AudienceRepository
from tidemill.core.actor import system
from tidemill.core.facts import RecordedFact, decode_fact
from tidemill.core.ids import TenantId
from tidemill.core.module import Projection
from tidemill.core.ports import Tx

FOLLOWER: Final = "board.notifications"
FOLLOWED: Final[tuple[type[BoardFact], ...]] = (
    WorkItemCreated,
    WorkItemUpdated,
    WorkItemDeleted,
    WorkItemRestored,
    WorkItemsUpdated,
    WorkItemsDeleted,
    WorkItemsRestored,
    WorkItemUnblocked,
    CommentCreated,
    PeopleMentioned,
)
_Told = tuple[Reason, str | None, tuple[str | None, str | None]]
# Facts whose subject is the item itself, and of which all that follow it hear alike.
_OF_WHOLE: Final[dict[str, _Told]] = {
    "WorkItemUnblocked": (Reason.UNBLOCKED, None, (None, None)),
    "WorkItemDeleted": (Reason.CHANGED, DELETED, (None, "yes")),
    "WorkItemRestored": (Reason.CHANGED, DELETED, ("yes", None)),
    "WorkItemsDeleted": (Reason.CHANGED, DELETED, (None, "yes")),
    "WorkItemsRestored": (Reason.CHANGED, DELETED, ("yes", None)),
}
_TYPES: Final = frozenset(fact.__name__ for fact in FOLLOWED)
_UNASSIGNED: Final = b'"assignee_id":null'
events_kept_max: Final = 200
"""How many events of a notification stay; now and then there are twice as many."""
_tenants_max: Final = 10_000


class Post(Protocol):
    """Lets mail of events go out."""

    def add(self, tx: Tx, row: Notification, event: Event, timing: str) -> None:
        """Let `event` wait for its mail, in the caller's transaction."""
        ...


class Notifying:
    """Decides who hears of a fact, and writes it into their inboxes."""

    def __init__(self, defaults: DefaultsFor, bell: Bell, post: Post | None = None) -> None:
        self._defaults = defaults
        self._bell = bell
        self._post = post
        self._notifications = NotificationRepository()
        self._audience = AudienceRepository()
        self._known: dict[TenantId, Defaults] = {}

    def projection(self) -> Projection:
        """Return the follower that fills inboxes."""
        return Projection(name=FOLLOWER, facts=FOLLOWED, apply=self.apply, wanted=self.wanted)

    async def wanted(self, tenant_id: TenantId, facts: Sequence[RecordedFact]) -> bool:
        """Return whether somebody may hear of one of `facts`, so that others cost no commit.

        The tenant's defaults are known from then on: a transaction cannot read them.
        """
        if not any(_may_concern(fact) for fact in facts):
            return False
        if len(self._known) >= _tenants_max:
            self._known.clear()
        self._known[tenant_id] = await self._defaults(system("board", tenant_id))
        return True

    def apply(self, tx: Tx, recorded: RecordedFact) -> None:
        """Let everybody hear of `recorded` whom it concerns, but not who did it."""
        own = {recorded.actor.user_id, recorded.actor.id}
        for item_id, heard in self._heard(tx, recorded):
            item = self._audience.item(tx, item_id) if heard else None
            if item is None:
                continue
            # Of two reasons of one member the first counts.
            firsts = {one.user_id: one for one in reversed(heard) if one.user_id not in own}
            for one in firsts.values():
                self._tell(tx, recorded, (item_id, item[2]), one)

    def _heard(self, tx: Tx, recorded: RecordedFact) -> Iterator[tuple[str, list[Heard]]]:
        """Yield each item that `recorded` tells of, and who hears why."""
        match recorded.type:
            case "WorkItemCreated":
                item = decode_fact(recorded, WorkItemCreated).work_item
                yield item.id, _assigned(item.assignee_id)
            case "WorkItemUpdated":
                updated = decode_fact(recorded, WorkItemUpdated)
                yield self._updated(tx, updated.work_item.id, updated.changes)
            case "WorkItemsUpdated":
                for step in decode_fact(recorded, WorkItemsUpdated).items:
                    yield self._updated(tx, step.work_item_id, step.changes)
            case "WorkItemsDeleted" | "WorkItemsRestored":
                for step in decode_fact(recorded, BulkFact).items:
                    told = _OF_WHOLE[recorded.type]
                    yield step.work_item_id, self._all(tx, step.work_item_id, *told)
            case "CommentCreated":
                yield self._commented(tx, decode_fact(recorded, CommentCreated))
            case "PeopleMentioned":
                yield _mentioned(decode_fact(recorded, PeopleMentioned))
            case _:
                yield recorded.subject, self._all(tx, recorded.subject, *_OF_WHOLE[recorded.type])

    def _updated(
        self, tx: Tx, item_id: str, changes: Sequence[FieldChange]
    ) -> tuple[str, list[Heard]]:
        by_name = {change.field_name: change for change in changes}
        heard: list[Heard] = []
        if "assignee_id" in by_name:
            heard = _assigned(by_name["assignee_id"].new_value)
        told = by_name.get("status") or told_change(changes)
        if told is not None:
            reason = Reason.STATUS_CHANGED if told.field_name == "status" else Reason.CHANGED
            heard += self._all(tx, item_id, reason, told.field_name, shown_values(told))
        return item_id, heard

    def _commented(self, tx: Tx, fact: CommentCreated) -> tuple[str, list[Heard]]:
        comment = fact.comment
        item_id = comment.work_item_id
        heard: list[Heard] = []
        if comment.parent_id is not None:
            heard = [
                Heard(user_id=one, reason=Reason.REPLIED, comment_id=comment.id)
                for one in self._audience.in_thread(tx, item_id, comment.parent_id)
            ]
        heard += [
            Heard(user_id=one, reason=Reason.COMMENTED, comment_id=comment.id)
            for one in self._hearers(tx, item_id)
        ]
        # Whom it mentions hears by the fact of that, which follows.
        mentioned = frozenset(comment.mentions)
        return item_id, [one for one in heard if one.user_id not in mentioned]

    def _all(
        self,
        tx: Tx,
        item_id: str,
        reason: Reason,
        field: str | None = None,
        values: tuple[str | None, str | None] = (None, None),
    ) -> list[Heard]:
        old, new = values
        return [
            Heard(user_id=one, reason=reason, field=field, old_value=old, new_value=new)
            for one in self._hearers(tx, item_id)
        ]

    def _hearers(self, tx: Tx, item_id: str) -> Iterable[str]:
        item = self._audience.item(tx, item_id)
        return self._audience.hearers(tx, item_id, item[0], item[1]) if item else ()

    def _tell(self, tx: Tx, recorded: RecordedFact, place: tuple[str, str], one: Heard) -> None:
        item_id, _ = place
        found = self._audience.wish(tx, one.user_id, one.reason, place=place, fact_id=recorded.id)
        if found is None:
            return
        inbox, mail, stopped_at = found
        wish = self._known[tx.tenant_id].wish(one.reason)
        if inbox is not None:
            wish = Wish(inbox == "on", mail)
        sends = self._post is not None and wish.mail != "off" and stopped_at is None
        if not wish.inbox and not sends:
            return
        event = _event(tx, recorded, one)
        row = self._write(tx, item_id, one.user_id, event, recorded.seq, wanted=wish.inbox)
        if self._post is not None and sends:
            self._post.add(tx, row, event, wish.mail)

    def _write(
        self, tx: Tx, item_id: str, user_id: str, event: Event, seq: int, *, wanted: bool
    ) -> Notification:
        before = self._notifications.of_item(tx, user_id, item_id)
        if before is not None:
            row = gathered(before, event, seq, wanted=wanted)
            self._notifications.save(tx, row)
        else:
            row = _first(tx, item_id, user_id, event, seq, wanted=wanted)
            self._notifications.add(tx, row)
        self._notifications.add_event(tx, row, event)
        if row.version % events_kept_max == 0:
            self._notifications.prune_events(tx, row.id, kept=events_kept_max)
        if wanted:
            self._bell.ring(tx, user_id)
        return row


def _may_concern(recorded: RecordedFact) -> bool:
    """Return False for what surely nobody hears of, such as a new item without an assignee."""
    if recorded.type == "WorkItemCreated":
        # Quotes within a text are escaped, so that these stand around the field itself.
        return _UNASSIGNED not in bytes(recorded.data)
    return recorded.type in _TYPES


def _assigned(user_id: str | None) -> list[Heard]:
    return [] if user_id is None else [Heard(user_id=user_id, reason=Reason.ASSIGNED)]


def _mentioned(fact: PeopleMentioned) -> tuple[str, list[Heard]]:
    heard = [
        Heard(user_id=one, reason=Reason.MENTIONED, comment_id=fact.comment_id)
        for one in fact.user_ids
    ]
    return fact.work_item_id, heard


def _event(tx: Tx, recorded: RecordedFact, one: Heard) -> Event:
    return Event(
        id=tx.new_id(),
        fact_id=recorded.id,
        reason=one.reason.value,
        actor_kind=str(recorded.actor.kind),
        actor_id=recorded.actor.id,
        actor_user_id=recorded.actor.user_id,
        comment_id=one.comment_id,
        field=one.field,
        old_value=one.old_value,
        new_value=one.new_value,
        at=recorded.at,
    )


def _first(
    tx: Tx, item_id: str, user_id: str, event: Event, seq: int, *, wanted: bool
) -> Notification:
    # What somebody wants by mail alone lies among what is done with, so that it counts nowhere.
    done_at = None if wanted else event.at
    return Notification(
        id=tx.new_id(),
        user_id=user_id,
        work_item_id=item_id,
        reason=event.reason,
        reasons=event.reason,
        event_count=1,
        seq=seq,
        at=event.at,
        read_at=done_at,
        archived_at=done_at,
        snoozed_until=None,
        version=1,
        created_at=tx.now,
    )
