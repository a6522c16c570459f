"""A projection: in the transaction of its cursor, so that nobody hears twice, or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, Protocol, TypeVar

from tidemill.board.bulk_facts import WorkItemsDeleted, WorkItemsRestored, WorkItemsUpdated
from tidemill.board.comment_facts import CommentCreated, PeopleMentioned
from tidemill.board.contract import (
    BoardFact,
    WorkItemCreated,
    WorkItemDeleted,
    WorkItemRestored,
    WorkItemUpdated,
)
from tidemill.board.dependency_facts import WorkItemUnblocked
from tidemill.board.notification_preferences.models import Defaults, DefaultsFor
from tidemill.board.notifications.models import Event, Heard, Notification, Wish, gathered
from tidemill.board.notifications.repository import NotificationRepository
from tidemill.board.notifications.service import Bell
from tidemill.board.notifying.models import News, Posting, Told, sprint_news, told_of
from tidemill.board.notifying.repository import Answer, Asked, AudienceRepository
from tidemill.board.reminder_facts import WorkItemDueSoon
from tidemill.board.sprint_facts import SprintUpdated
from tidemill.core.actor import system
from tidemill.core.facts import RecordedFact
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
    SprintUpdated,
    WorkItemDueSoon,
)
_TYPES: Final = frozenset(fact.__name__ for fact in FOLLOWED)
_UNASSIGNED: Final = b'"assignee_id":null'
_STATUS_CHANGED: Final = b'"field_name":"status"'
events_kept_max: Final = 200
"""How many events of a notification stay; now and then there are twice as many."""
items_at_once_max: Final = 200
heard_at_once_max: Final = 1_000
"""For how many members and items at most one statement reads or writes."""
_tenants_max: Final = 10_000


_Place = tuple[str, str]
"""The ids of a member and of an item."""
_One = TypeVar("_One")


class Post(Protocol):
    """Lets mail of events go out."""

    def add(self, tx: Tx, postings: Sequence[Posting]) -> None:
        """Let events wait for their mail, in the caller's transaction."""
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
        defaults = await self._defaults(system("board", tenant_id))
        # Those who asked last may be about to apply: the one who asked longest ago goes.
        self._known.pop(tenant_id, None)
        self._known[tenant_id] = defaults
        if len(self._known) > _tenants_max:
            del self._known[next(iter(self._known))]
        return True

    def apply(self, tx: Tx, recorded: RecordedFact) -> None:
        """Let everybody hear of `recorded` whom it concerns, but not who did it."""
        own = {recorded.actor.user_id, recorded.actor.id}
        if recorded.type == SprintUpdated.__name__:
            news = sprint_news(recorded)
            heard = {} if news is None else self._of_sprint(tx, *news, own=own)
            self._tell_all(tx, recorded, heard)
            return
        for told in _parts(told_of(recorded), items_at_once_max):
            self._tell_all(tx, recorded, self._heard(tx, told, own=own))

    def _tell_all(self, tx: Tx, recorded: RecordedFact, heard: Mapping[_Place, Heard]) -> None:
        for part in _parts(heard.items(), heard_at_once_max):
            self._tell(tx, recorded, dict(part))

    def _of_sprint(
        self, tx: Tx, sprint_id: str, news: News, *, own: set[str | None]
    ) -> dict[_Place, Heard]:
        """Return who hears of a sprint: each once, at the first item there that concerns them."""
        heard: dict[str, tuple[_Place, Heard]] = {}
        for item_ids in _parts(self._audience.of_sprint(tx, sprint_id), items_at_once_max):
            hearers = self._audience.hearers(tx, item_ids)
            for item_id in item_ids:
                for user_id in hearers.get(item_id, ()):
                    if user_id not in own:
                        heard.setdefault(user_id, ((user_id, item_id), news.to(user_id)))
        return dict(heard.values())

    def _heard(self, tx: Tx, told: Sequence[Told], *, own: set[str | None]) -> dict[_Place, Heard]:
        """Return who hears what of which item; of two reasons of one member the first counts."""
        followed = [one.item_id for one in told if one.to_all is not None]
        hearers = self._audience.hearers(tx, followed)
        heard: dict[_Place, Heard] = {}
        for one in told:
            for each in (*one.own, *self._replied(tx, one), *_to_all(one, hearers)):
                if each.user_id not in own and each.user_id not in one.but_not:
                    heard.setdefault((each.user_id, one.item_id), each)
        return heard

    def _replied(self, tx: Tx, told: Told) -> Iterable[Heard]:
        if told.thread_id is None or told.to_thread is None:
            return ()
        return map(told.to_thread.to, self._audience.in_thread(tx, told.item_id, told.thread_id))

    def _tell(self, tx: Tx, recorded: RecordedFact, heard: Mapping[_Place, Heard]) -> None:
        projects = self._audience.projects(tx, {item_id for _, item_id in heard})
        asked = (
            Asked(item_id, projects[item_id], user_id, one.reason.value)
            for (user_id, item_id), one in heard.items()
            if item_id in projects
        )
        wishes: dict[_Place, Wish] = {}
        for answer in self._audience.answers(tx, asked, fact_id=recorded.id):
            place = (answer.user_id, answer.item_id)
            wish = self._wish(tx.tenant_id, heard[place], answer)
            if wish.inbox or wish.mail != "off":
                wishes[place] = wish
        if wishes:
            self._write(tx, recorded, heard, wishes)

    def _wish(self, tenant_id: TenantId, one: Heard, answer: Answer) -> Wish:
        wish = self._known[tenant_id].wish(one.reason)
        if answer.inbox is not None and answer.mail is not None:
            wish = Wish(answer.inbox == "on", answer.mail)
        sends = self._post is not None and answer.mail_stopped_at is None
        return wish if sends else Wish(wish.inbox, "off")

    def _write(
        self,
        tx: Tx,
        recorded: RecordedFact,
        heard: Mapping[_Place, Heard],
        wishes: Mapping[_Place, Wish],
    ) -> None:
        before = self._notifications.of_items(tx, wishes)
        fresh: list[Notification] = []
        saved: list[Notification] = []
        events: list[tuple[Notification, Event]] = []
        postings: list[Posting] = []
        for place, wish in wishes.items():
            event = _event(tx, recorded, heard[place])
            found = before.get(place)
            if found is None:
                row = _first(tx, place, event, recorded.seq, wanted=wish.inbox)
                fresh.append(row)
            else:
                row = gathered(found, event, recorded.seq, wanted=wish.inbox)
                saved.append(row)
            events.append((row, event))
            if wish.mail != "off":
                postings.append(Posting(row, event, wish.mail))
        self._notifications.add_many(tx, fresh)
        self._notifications.save_many(tx, saved)
        self._notifications.add_events(tx, events)
        for row in saved:
            if row.version % events_kept_max == 0:
                self._notifications.prune_events(tx, row.id, kept=events_kept_max)
        for user_id in dict.fromkeys(user for (user, _), wish in wishes.items() if wish.inbox):
            self._bell.ring(tx, user_id)
        if self._post is not None and postings:
            self._post.add(tx, postings)


def _parts(given: Iterable[_One], size: int) -> Iterator[list[_One]]:
    rest = iter(given)
    while part := list(islice(rest, size)):
        yield part


def _to_all(told: Told, hearers: Mapping[str, Sequence[str]]) -> Iterable[Heard]:
    return () if told.to_all is None else map(told.to_all.to, hearers.get(told.item_id, ()))


def _may_concern(recorded: RecordedFact) -> bool:
    """Return False for what surely nobody hears of, such as a new item without an assignee."""
    if recorded.type == "WorkItemCreated":
        # Quotes within a text are escaped, so that these stand around the field itself.
        return _UNASSIGNED not in bytes(recorded.data)
    if recorded.type == SprintUpdated.__name__:
        return _STATUS_CHANGED in bytes(recorded.data)
    return recorded.type in _TYPES


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


def _first(tx: Tx, place: _Place, event: Event, seq: int, *, wanted: bool) -> Notification:
    user_id, item_id = place
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
