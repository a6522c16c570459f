"""What facts tell of items, and to whom; no I/O."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct

from tidemill.board.bulk_facts import BulkFact, WorkItemsUpdated
from tidemill.board.comment_facts import CommentCreated, PeopleMentioned
from tidemill.board.contract import FieldChange, WorkItemCreated, WorkItemUpdated
from tidemill.board.notifications.models import (
    DELETED,
    SPRINT,
    Event,
    Heard,
    Notification,
    Reason,
    cut,
    shown_values,
    told_change,
)
from tidemill.board.reminder_facts import WorkItemDueSoon
from tidemill.board.sprint_facts import SprintUpdated
from tidemill.core.facts import RecordedFact, decode_fact

_Whole = tuple[Reason, str | None, tuple[str | None, str | None]]
# Facts whose subject is the item itself, and of which all that follow it hear alike.
_OF_WHOLE: Final[dict[str, _Whole]] = {
    "WorkItemUnblocked": (Reason.UNBLOCKED, None, (None, None)),
    "WorkItemDeleted": (Reason.CHANGED, DELETED, (None, "yes")),
    "WorkItemRestored": (Reason.CHANGED, DELETED, ("yes", None)),
    "WorkItemsDeleted": (Reason.CHANGED, DELETED, (None, "yes")),
    "WorkItemsRestored": (Reason.CHANGED, DELETED, ("yes", None)),
}


class News(Struct, frozen=True, kw_only=True):
    """What somebody hears, without whom."""

    reason: Reason
    comment_id: str | None = None
    field: str | None = None
    old_value: str | None = None
    new_value: str | None = None

    def to(self, user_id: str) -> Heard:
        """Return that a member hears this."""
        return Heard(
            user_id=user_id,
            reason=self.reason,
            comment_id=self.comment_id,
            field=self.field,
            old_value=self.old_value,
            new_value=self.new_value,
        )


class Told(Struct, frozen=True, kw_only=True):
    """What a fact tells of an item: to some themselves, to a thread, and to all that follow.

    Of two of these that reach one member the first counts; `but_not` hears by another fact.
    """

    item_id: str
    own: tuple[Heard, ...] = ()
    thread_id: str | None = None
    to_thread: News | None = None
    to_all: News | None = None
    but_not: frozenset[str] = frozenset()


class Posting(Struct, frozen=True):
    """An event of which somebody wants mail, and how soon: a `MailTiming` as a word."""

    row: Notification
    event: Event
    timing: str


def told_of(recorded: RecordedFact) -> Iterator[Told]:
    """Yield what `recorded` tells, item by item."""
    match recorded.type:
        case "WorkItemCreated":
            item = decode_fact(recorded, WorkItemCreated).work_item
            yield Told(item_id=item.id, own=_assigned(item.assignee_id))
        case "WorkItemUpdated":
            updated = decode_fact(recorded, WorkItemUpdated)
            yield _updated(updated.work_item.id, updated.changes)
        case "WorkItemsUpdated":
            for step in decode_fact(recorded, WorkItemsUpdated).items:
                yield _updated(step.work_item_id, step.changes)
        case "WorkItemsDeleted" | "WorkItemsRestored":
            for step in decode_fact(recorded, BulkFact).items:
                yield Told(item_id=step.work_item_id, to_all=_whole(recorded.type))
        case "CommentCreated":
            yield _commented(decode_fact(recorded, CommentCreated))
        case "WorkItemDueSoon":
            yield _due_soon(decode_fact(recorded, WorkItemDueSoon))
        case "PeopleMentioned":
            yield _mentioned(decode_fact(recorded, PeopleMentioned))
        case _:
            yield Told(item_id=recorded.subject, to_all=_whole(recorded.type))


def sprint_news(recorded: RecordedFact) -> tuple[str, News] | None:
    """Return which sprint began or ended, and what those hear whose items it holds."""
    if recorded.type != SprintUpdated.__name__:
        return None
    fact = decode_fact(recorded, SprintUpdated)
    status = next((one.new_value for one in fact.changes if one.field_name == "status"), None)
    if status is None:
        return None
    reason = Reason.SPRINT_STARTED if status == "active" else Reason.SPRINT_ENDED
    name = cut(fact.sprint.name)
    return fact.sprint.id, News(reason=reason, field=SPRINT, new_value=name)


def _whole(fact_type: str) -> News:
    reason, field, (old, new) = _OF_WHOLE[fact_type]
    return News(reason=reason, field=field, old_value=old, new_value=new)


def _assigned(user_id: str | None) -> tuple[Heard, ...]:
    return () if user_id is None else (Heard(user_id=user_id, reason=Reason.ASSIGNED),)


def _updated(item_id: str, changes: Sequence[FieldChange]) -> Told:
    by_name = {change.field_name: change for change in changes}
    assigned = by_name.get("assignee_id")
    own = () if assigned is None else _assigned(assigned.new_value)
    told = by_name.get("status") or told_change(changes)
    if told is None:
        return Told(item_id=item_id, own=own)
    reason = Reason.STATUS_CHANGED if told.field_name == "status" else Reason.CHANGED
    old, new = shown_values(told)
    news = News(reason=reason, field=told.field_name, old_value=old, new_value=new)
    return Told(item_id=item_id, own=own, to_all=news)


def _commented(fact: CommentCreated) -> Told:
    comment = fact.comment
    return Told(
        item_id=comment.work_item_id,
        thread_id=comment.parent_id,
        to_thread=News(reason=Reason.REPLIED, comment_id=comment.id),
        to_all=News(reason=Reason.COMMENTED, comment_id=comment.id),
        # Whom it mentions hears by the fact of that, which follows.
        but_not=frozenset(comment.mentions),
    )


def _mentioned(fact: PeopleMentioned) -> Told:
    news = News(reason=Reason.MENTIONED, comment_id=fact.comment_id)
    return Told(item_id=fact.work_item_id, own=tuple(map(news.to, fact.user_ids)))


def _due_soon(fact: WorkItemDueSoon) -> Told:
    news = News(reason=Reason.DUE_SOON, field="due_date", new_value=fact.due_date)
    return Told(item_id=fact.work_item_id, own=(news.to(fact.assignee_id),))
