"""Writes the items of an imported project and what belongs to them, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from tidemill.board.blobs.service import BlobAccounts
from tidemill.board.contract import WorkItemId
from tidemill.board.custom_fields.values import kept
from tidemill.board.labels.models import by_name, joined_ids
from tidemill.board.limits import BoardLimits
from tidemill.board.project_imports.founding.service import Founded
from tidemill.board.project_imports.models import Known
from tidemill.board.project_imports.planning import Plan
from tidemill.board.project_imports.repository import ProjectImportRepository
from tidemill.board.project_imports.rows import PlannedComment, PlannedItem
from tidemill.board.ranking.service import Ranking
from tidemill.board.texts import name_key
from tidemill.board.work_items.custom_values.service import CustomValues
from tidemill.board.work_items.labelling.service import Labelling
from tidemill.board.work_items.models import WorkItem
from tidemill.board.work_items.repository import WorkItemRepository
from tidemill.core.actor import Actor
from tidemill.core.ports import Tx, Value

items_at_once_max: Final = 200
Line = dict[str, Value]


class KeptFile(Struct, frozen=True):
    """Bytes that were kept for this import, by their name in the store."""

    name: str
    size: int


class Filling:
    """Writes items as their document has them."""

    def __init__(self, limits: BoardLimits) -> None:
        self._items = WorkItemRepository()
        self._rows = ProjectImportRepository()
        self._labelling = Labelling(limits)
        self._custom_values = CustomValues()
        self._ranking = Ranking()
        self._accounts = BlobAccounts()

    def fill(
        self, tx: Tx, plan: Plan, founded: Founded, who: Mapping[str, Known], *, by: Actor
    ) -> tuple[dict[int, WorkItemId], tuple[str, ...]]:
        """Write all items; return their ids by number, and what found no place here."""
        # In the order of their numbers, as they were made once: lists by age go by the ids.
        numbers = sorted(one.number for one in plan.items)
        ids = {number: WorkItemId(tx.new_id()) for number in numbers}
        ranks = self._ranking.at_the_end(tx, founded.project.id, len(plan.items))
        rank_of = {one.number: rank for one, rank in zip(plan.items, ranks, strict=True)}
        rows = plan.parents_first()
        for start in range(0, len(rows), items_at_once_max):
            items = [
                _item(one, plan, founded, who, (ids, rank_of[one.number]))
                for one in rows[start : start + items_at_once_max]
            ]
            self._items.add_all(tx, items)
            self._labelling.save_all(tx, items)
            self._custom_values.save_all(tx, items)
        timers_left = self._attach(tx, plan.items, founded, ids, by=by)
        self._keep_ledgers(tx, plan, founded, ids)
        self._join(tx, plan, ids, by=by)
        keys_left = self._name(tx, plan, founded, ids)
        told = (
            (timers_left, f"{timers_left} timers that run, of people who have another one"),
            (keys_left, f"{keys_left} former keys that name other items here"),
        )
        return ids, tuple(each for count, each in told if count)

    def use_files(
        self, tx: Tx, plan: Plan, files: Mapping[str, KeptFile], *, bytes_max: int
    ) -> set[str]:
        """Account for the bytes of files; return the names under which they are used."""
        wanted = sorted({file.sha256 for one in plan.items for file in one.files})
        return {
            self._accounts.use(
                tx, sha256, files[sha256].name, files[sha256].size, bytes_max=bytes_max
            )
            for sha256 in wanted
        }

    def _attach(
        self,
        tx: Tx,
        items: Sequence[PlannedItem],
        founded: Founded,
        ids: Mapping[int, WorkItemId],
        *,
        by: Actor,
    ) -> int:
        """Write what belongs to each item; return how many timers found no place."""
        comments, revisions, reactions = [], list[Line](), list[Line]()
        times, running = list[Line](), list[Line]()
        watchers, files = list[Line](), list[Line]()
        for one in items:
            item_id = ids[one.number]
            for row, its_revisions, its_reactions in _comments(tx, item_id, one.comments):
                comments.append(row)
                revisions += its_revisions
                reactions += its_reactions
            for entry in _times(tx, item_id, one, founded, by):
                (running if entry["ended_at"] is None else times).append(entry)
            watchers += (
                {"work_item_id": item_id, "user_id": user_id, "state": state.value}
                for user_id, state in one.watchers.items()
            )
            files += (_file(tx, item_id, one, at) for at in range(len(one.files)))
        self._rows.add_comments(tx, comments, revisions, reactions)
        self._rows.add_time(tx, times)
        self._rows.add_watchers(tx, watchers)
        self._rows.add_files(tx, files)
        return sum(not self._rows.add_running(tx, row) for row in running)

    def _keep_ledgers(
        self, tx: Tx, plan: Plan, founded: Founded, ids: Mapping[int, WorkItemId]
    ) -> None:
        self._rows.add_ledger(
            tx,
            [
                {
                    "sprint_id": founded.sprints[one.called],
                    "id": tx.new_id(),
                    # What is gone counts as it did: its line needs an id, and nothing has it.
                    "work_item_id": ids.get(number or 0) or tx.new_id(),
                    "kind": event.kind.value,
                    "scope_count": event.scope_count,
                    "scope_points": event.scope_points,
                    "done_count": event.done_count,
                    "done_points": event.done_points,
                    "at": event.at,
                }
                for one in plan.frame.sprints
                for number, event in one.ledger
            ],
        )

    def _join(self, tx: Tx, plan: Plan, ids: Mapping[int, WorkItemId], *, by: Actor) -> None:
        self._rows.add_links(
            tx,
            [
                {
                    "id": tx.new_id(),
                    "dependency_type": one.type,
                    "blocking_item_id": ids[one.first],
                    "blocked_item_id": ids[one.second],
                    "created_by": by.user_id or by.id,
                }
                for one in plan.links
            ],
        )

    def _name(self, tx: Tx, plan: Plan, founded: Founded, ids: Mapping[int, WorkItemId]) -> int:
        """Write former keys; return how many name other items here."""
        own, left = list[Line](), 0
        taken = set(ids)
        for key, former, number in plan.former_keys:
            if key != plan.document_key:
                row: Line = {"project_key": key, "number": former, "work_item_id": ids[number]}
                left += not self._rows.add_other_key(tx, row)
            elif former in taken:
                left += 1
            else:
                taken.add(former)
                row = {"number": former, "work_item_id": ids[number]}
                own.append({**row, "project_id": founded.project.id})
        self._rows.add_own_keys(tx, own)
        return left


def _item(
    one: PlannedItem,
    plan: Plan,
    founded: Founded,
    who: Mapping[str, Known],
    place: tuple[Mapping[int, WorkItemId], str],
) -> WorkItem:
    ids, rank = place
    part, project = one.part, founded.project
    labels = by_name({founded.labels[name_key(name)] for name in one.labels})
    category = plan.frame.workflow.category_of(part.status)
    return WorkItem(
        id=ids[one.number],
        project_id=project.id,
        project_key=project.key,
        project_archived_at=None,
        number=one.number,
        item_type=part.item_type,
        title=one.title,
        description=one.description,
        status=part.status,
        priority=part.priority,
        parent_id=None if one.parent is None else ids[one.parent],
        assignee_id=None if one.assignee is None else one.assignee.id,
        assignee_name=None,
        assignee_avatar=None,
        external_id=one.external_id,
        job=None,
        version=1,
        created_at=one.created_at,
        created_by=who[part.created_by].id,
        updated_at=one.updated_at,
        updated_by=who[part.updated_by].id,
        rank=rank,
        points=part.points,
        start_date=None if part.start_date is None else part.start_date.isoformat(),
        due_date=None if part.due_date is None else part.due_date.isoformat(),
        label_ids=joined_ids(labels),
        started_at=one.started_at,
        completed_at=one.completed_at,
        sprint_id=None if part.sprint is None else founded.sprints[part.sprint],
        estimate_seconds=part.estimate_seconds,
        status_category=None if category is None else category.value,
        archived_at=one.archived_at,
        custom_values=kept({founded.fields[held.key]: held for held in one.custom_values}),
        labels=labels,
    )


def _comments(
    tx: Tx, item_id: WorkItemId, comments: Sequence[PlannedComment]
) -> Iterator[tuple[Line, list[Line], list[Line]]]:
    ids = [tx.new_id() for _ in comments]
    for id_, one in zip(ids, comments, strict=True):
        parent_id = None if one.reply_to is None else ids[one.reply_to]
        is_edited = one.updated_at != one.created_at
        row: Line = {
            "id": id_,
            "work_item_id": item_id,
            "parent_id": parent_id,
            "place": id_ if parent_id is None else f"{parent_id}/{id_}",
            "content": one.text.content,
            "content_html": one.text.html,
            "renderer": one.text.renderer,
            "mentions": msgspec.json.encode(one.text.mentions).decode(),
            "version": 1 + max(len(one.revisions), int(is_edited)),
            "created_at": one.created_at,
            "created_by": one.author,
            "updated_at": one.updated_at,
        }
        revisions: list[Line] = [
            {"comment_id": id_, "version": at, "content": text, "at": moment, "user_id": user_id}
            for at, (text, moment, user_id) in enumerate(one.revisions, 1)
        ]
        reactions: list[Line] = [
            {"comment_id": id_, "emoji": emoji, "user_id": user_id}
            for emoji, user_id in one.reactions
        ]
        yield row, revisions, reactions


def _times(
    tx: Tx, item_id: WorkItemId, item: PlannedItem, founded: Founded, by: Actor
) -> Iterator[Line]:
    for one in item.times:
        yield {
            "id": tx.new_id(),
            "work_item_id": item_id,
            "project_id": founded.project.id,
            "user_id": one.user_id,
            "started_at": one.span.started_at,
            "ended_at": one.span.ended_at,
            "on_day": one.span.on_day,
            "description": one.description,
            "source": one.source.value,
            "created_by": by.user_id or by.id,
        }


def _file(tx: Tx, item_id: WorkItemId, item: PlannedItem, at: int) -> Line:
    file = item.files[at]
    return {
        "id": tx.new_id(),
        "work_item_id": item_id,
        "name": file.name,
        "media_type": file.media_type,
        "bytes": file.size,
        "sha256": file.sha256,
        "created_at": file.created_at,
        "created_by": file.created_by,
    }
