"""The SQL of work items."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, Final

from tidemill.board.blocking.waiting import FINISHED, IS_BLOCKED, IS_NOT_BLOCKED, OPEN_BLOCKER
from tidemill.board.contract import LabelId, SprintId, WorkItemId
from tidemill.board.texts import is_uuid, item_key
from tidemill.board.work_items.models import Assignee, Sort, WorkItem, WorkItemFilter
from tidemill.core.ports import Tx, Value

SELECT_ITEMS: Final = f"""
    SELECT w.id, w.project_id, p.key, p.archived_at, w.number, w.item_type, w.title,
        w.description, w.status, w.priority, w.parent_id, w.assignee_id, a.name, a.avatar,
        w.external_id, w.job, w.version, w.created_at, w.created_by, w.updated_at, w.updated_by,
        w.deleted_at, w.rank, w.points, w.start_date, w.due_date, w.label_ids,
        w.started_at, w.completed_at, w.sprint_id, s.name, w.estimate_seconds,
        COALESCE({OPEN_BLOCKER}, 0), w.status_category, p.workflow_id, w.archived_at,
        (
            SELECT COUNT(*) FROM attachments AS t
            WHERE t.tenant_id = w.tenant_id AND t.work_item_id = w.id
        ), p.limits_id, w.custom_values, p.kinds_id
    FROM work_items AS w
    JOIN projects AS p
        ON p.tenant_id = w.tenant_id AND p.id = w.project_id AND p.deleted_at IS NULL
    LEFT JOIN people AS a ON a.tenant_id = w.tenant_id AND a.user_id = w.assignee_id
    LEFT JOIN sprints AS s ON s.tenant_id = w.tenant_id AND s.id = w.sprint_id
"""  # noqa: S608 - a constant
_BY_ID: Final = SELECT_ITEMS + "WHERE w.tenant_id = :tenant_id AND w.id = :id"
_BY_KEY: Final = (
    SELECT_ITEMS + "WHERE p.tenant_id = :tenant_id AND p.key = :project_key AND w.number = :number"
)
# Whatever became of the project that the item left; what it gave goes ahead of what was elsewhere.
_BY_FORMER_KEY: Final = """
    SELECT f.work_item_id FROM projects AS p
    JOIN former_keys AS f ON f.tenant_id = p.tenant_id AND f.project_id = p.id
    WHERE p.tenant_id = :tenant_id AND p.key = :project_key AND f.number = :number
    UNION ALL
    SELECT i.work_item_id FROM imported_keys AS i
    WHERE i.tenant_id = :tenant_id AND i.project_key = :project_key AND i.number = :number
"""
_INSERT: Final = """
    INSERT INTO work_items (tenant_id, id, project_id, number, item_type, title, description,
        status, priority, parent_id, assignee_id, external_id, rank, points, start_date, due_date,
        label_ids, started_at, completed_at, sprint_id, estimate_seconds, status_category,
        archived_at, version,
        created_at, created_by, updated_at, updated_by, custom_values)
    VALUES (:tenant_id, :id, :project_id, :number, :item_type, :title, :description,
        :status, :priority, :parent_id, :assignee_id, :external_id, :rank, :points, :start_date,
        :due_date, :label_ids, :started_at, :completed_at, :sprint_id, :estimate_seconds,
        :status_category, :archived_at, :version, :created_at,
        :created_by, :updated_at, :updated_by, :custom_values)
"""
# What a change may change besides the version, and who made it when.
_CHANGEABLE: Final = (
    "item_type", "title", "description", "status", "priority", "parent_id", "assignee_id", "job",
    "rank", "points", "start_date", "due_date", "label_ids", "started_at", "completed_at",
    "sprint_id", "estimate_seconds", "status_category", "deleted_at", "archived_at",
)  # fmt: skip
_IN_SPRINT: Final = (
    SELECT_ITEMS
    + """
    WHERE w.tenant_id = :tenant_id AND w.sprint_id = :sprint_id AND w.deleted_at IS NULL
    ORDER BY w.id
"""
)
_ONE_IN_SPRINT: Final = """
    SELECT id FROM work_items
    WHERE tenant_id = :tenant_id AND sprint_id = :sprint_id AND deleted_at IS NULL
    LIMIT 1
"""
_A_CHILD: Final = """
    SELECT id FROM work_items
    WHERE tenant_id = :tenant_id AND parent_id = :id AND deleted_at IS NULL
    LIMIT 1
"""
_TYPES_BELOW: Final = """
    SELECT DISTINCT item_type FROM work_items
    WHERE tenant_id = :tenant_id AND parent_id = :id
    ORDER BY item_type
"""
_OPEN_CHILDREN: Final = f"""
    SELECT p.key, w.number FROM work_items AS w
    JOIN projects AS p ON p.tenant_id = w.tenant_id AND p.id = w.project_id
    WHERE w.tenant_id = :tenant_id AND w.parent_id = :id AND w.deleted_at IS NULL
        AND w.status_category NOT IN ({FINISHED})
    ORDER BY w.id LIMIT :limit
"""  # noqa: S608 - constant names of categories
_ASSIGNEE: Final = """
    SELECT user_id, name, avatar FROM people
    WHERE tenant_id = :tenant_id AND user_id = :user_id AND state = 'active'
"""
# A locked parent can be neither deleted nor re-typed until its new child is committed. A counted
# one is locked against others that count, too, but rows may still name it.
_LOCKS: Final = {
    "change": " FOR UPDATE OF w",
    "count": " FOR NO KEY UPDATE OF w",
    "parent": " FOR SHARE OF w",
}

# One order for each way to list, each the order of an index.
_BY_NUMBER: Final = ("AND w.number < :after", "ORDER BY w.number DESC")
_BY_AGE: Final = ("AND w.id < :after", "ORDER BY w.id DESC")
_BY_RANK: Final = ("AND w.rank > :after", "ORDER BY w.rank")
_BY_CHANGE: Final = (
    "AND (w.updated_at > :after_at OR (w.updated_at = :after_at AND w.id > :after))",
    "ORDER BY w.updated_at, w.id",
)
_CONDITIONS: Final = {
    "project_id": "AND w.project_id = :project_id",
    "status": "AND w.status = :status",
    "item_type": "AND w.item_type = :item_type",
    "parent_id": "AND w.parent_id = :parent_id",
    "assignee_id": "AND w.assignee_id = :assignee_id",
    "sprint_id": "AND w.sprint_id = :sprint_id",
    "updated_since": "AND w.updated_at >= :updated_since",
}
_BEARERS: Final = """AND w.id IN (
        SELECT il.work_item_id FROM item_labels AS il
        WHERE il.tenant_id = :tenant_id AND il.label_id IN ({})
    )"""
_BLOCKED: Final = {True: f"AND {IS_BLOCKED}", False: f"AND {IS_NOT_BLOCKED}"}


class WorkItemRepository:
    """Work items of a tenant, with their project's key and their assignee's name."""

    def find(self, tx: Tx, reference: str, *, lock: str | None = None) -> WorkItem | None:
        """Return the item with this id or key, deleted or not, unless its project is deleted.

        A key that it had in another project, or where it came from, is its key, too. `lock` holds
        it until the transaction ends: `change` for one who writes it, `parent` for one who puts an
        item below it, `count` for one who adds what it has a limited number of.
        """
        suffix = _LOCKS[lock] if lock and tx.dialect == "postgres" else ""
        if is_uuid(reference):
            return self._by_id(tx, reference, suffix)
        key = item_key(reference)
        if key is None:
            return None
        row = tx.one(_BY_KEY + suffix, project_key=key[0], number=key[1])
        if row is not None:
            return WorkItem(*row)
        former = tx.one(_BY_FORMER_KEY, project_key=key[0], number=key[1])
        return self._by_id(tx, former[0], suffix) if former else None

    def _by_id(self, tx: Tx, item_id: str, suffix: str) -> WorkItem | None:
        row = tx.one(_BY_ID + suffix, id=item_id)
        if row is None and suffix:
            # Who waited for one that went to another project was told of no row: its project is
            # not the one that was joined before.
            row = tx.one(_BY_ID + suffix, id=item_id)
        return WorkItem(*row) if row else None

    def add(self, tx: Tx, item: WorkItem) -> None:
        """Insert `item`."""
        tx.execute(_INSERT, **_inserted(item))

    def add_all(self, tx: Tx, items: Iterable[WorkItem]) -> None:
        """Insert `items`, parents before their children."""
        tx.execute_many(_INSERT, map(_inserted, items))

    def save(self, tx: Tx, old: WorkItem, new: WorkItem) -> bool:
        """Write the next version; return False when the stored one is not `old`."""
        columns = tuple(one for one in _CHANGEABLE if getattr(old, one) != getattr(new, one))
        changed = tx.execute(
            update_statement(columns),
            id=new.id,
            previous_version=old.version,
            version=new.version,
            updated_at=new.updated_at,
            updated_by=new.updated_by,
            **{one: getattr(new, one) for one in columns},
        )
        return changed == 1

    def in_sprint(self, tx: Tx, sprint_id: SprintId) -> list[WorkItem]:
        """Return the living items of a sprint, which nobody else changes meanwhile."""
        suffix = _LOCKS["change"] if tx.dialect == "postgres" else ""
        return [_item(row) for row in tx.all(_IN_SPRINT + suffix, sprint_id=sprint_id)]

    def holds(self, tx: Tx, sprint_id: SprintId) -> bool:
        """Return whether a living item lies in the sprint."""
        return tx.one(_ONE_IN_SPRINT, sprint_id=sprint_id) is not None

    def has_children(self, tx: Tx, item_id: WorkItemId) -> bool:
        """Return whether a living item lies below this one."""
        return tx.one(_A_CHILD, id=item_id) is not None

    def types_below(self, tx: Tx, item_id: WorkItemId) -> list[str]:
        """Return the types of items right below this one, of deleted ones too."""
        return [row[0] for row in tx.all(_TYPES_BELOW, id=item_id)]

    def open_children(self, tx: Tx, item_id: WorkItemId, *, limit: int) -> list[str]:
        """Return the keys of unfinished items right below this one."""
        return [
            f"{key}-{number}" for key, number in tx.all(_OPEN_CHILDREN, id=item_id, limit=limit)
        ]

    def assignee(self, tx: Tx, user_id: str) -> Assignee | None:
        """Return an active member."""
        row = tx.one(_ASSIGNEE, user_id=user_id)
        return Assignee(*row) if row else None

    def page(
        self,
        tx: Tx,
        wanted: WorkItemFilter,
        *,
        label_ids: Sequence[LabelId] = (),
        after: tuple[int | str, ...] | None,
        limit: int,
    ) -> list[WorkItem]:
        """Return items of a filter, whose label is one of `label_ids`.

        By rank where that is asked for, and `after` is a rank. With `updated_since` in the order
        of their last change, and `after` is an instant and an id; of one project the newest
        number first, and `after` is a number; else the newest first, and `after` is an id.
        """
        sql, parameters = list_statement(wanted, after, label_ids)
        return [_item(row) for row in tx.all(sql, limit=limit, **parameters)]


@lru_cache(maxsize=256)
def update_statement(columns: tuple[str, ...]) -> str:
    """Return what writes some columns: SQLite writes each index anew whose column is named."""
    given = "".join(f"{one} = :{one}, " for one in columns)
    return f"""
        UPDATE work_items
        SET {given}version = :version, updated_at = :updated_at, updated_by = :updated_by
        WHERE tenant_id = :tenant_id AND id = :id AND version = :previous_version
    """  # noqa: S608 - names of columns


def list_statement(
    wanted: WorkItemFilter,
    after: tuple[int | str, ...] | None,
    label_ids: Sequence[LabelId] = (),
) -> tuple[str, dict[str, Value]]:
    """Return the statement that lists `wanted`, and its parameters but the limit."""
    parameters: dict[str, Value] = {
        name: value for name in _CONDITIONS if (value := getattr(wanted, name)) is not None
    }
    conditions = [_CONDITIONS[name] for name in parameters]
    if label_ids:
        labels = {f"label_{place}": label_id for place, label_id in enumerate(label_ids)}
        conditions.append(_BEARERS.format(", ".join(f":{name}" for name in labels)))
        parameters.update(labels)
    if wanted.blocked is not None:
        conditions.append(_BLOCKED[wanted.blocked])
    keyset, order = _order(wanted)
    if after is not None:
        conditions.append(keyset)
        parameters["after"] = after[-1]
        if _order(wanted) is _BY_CHANGE:
            parameters["after_at"] = after[0]
    sql = "\n    ".join(
        (
            SELECT_ITEMS.rstrip(),
            "WHERE w.tenant_id = :tenant_id AND w.deleted_at IS NULL AND w.archived_at IS NULL",
            *conditions,
            order,
            "LIMIT :limit",
        )
    )
    return sql, parameters


def _order(wanted: WorkItemFilter) -> tuple[str, str]:
    if wanted.sort is Sort.RANK:
        return _BY_RANK
    if wanted.updated_since is not None:
        return _BY_CHANGE
    # What is found by its parent, assignee, sprint or label lies in the order of age.
    by_link = (wanted.parent_id, wanted.assignee_id, wanted.sprint_id, wanted.label)
    if wanted.project_id is not None and by_link == (None, None, None, None):
        return _BY_NUMBER
    return _BY_AGE


def ordered_by_number(wanted: WorkItemFilter) -> bool:
    """Return whether a list of `wanted` goes by number."""
    return _order(wanted) is _BY_NUMBER


def _inserted(item: WorkItem) -> dict[str, Value]:
    return {
        "id": item.id,
        "project_id": item.project_id,
        "number": item.number,
        "item_type": item.item_type,
        "title": item.title,
        "description": item.description,
        "status": item.status,
        "priority": item.priority,
        "parent_id": item.parent_id,
        "assignee_id": item.assignee_id,
        "external_id": item.external_id,
        "rank": item.rank,
        "points": item.points,
        "start_date": item.start_date,
        "due_date": item.due_date,
        "label_ids": item.label_ids,
        "started_at": item.started_at,
        "completed_at": item.completed_at,
        "sprint_id": item.sprint_id,
        "estimate_seconds": item.estimate_seconds,
        "archived_at": item.archived_at,
        "status_category": item.status_category,
        "version": item.version,
        "created_at": item.created_at,
        "created_by": item.created_by,
        "updated_at": item.updated_at,
        "updated_by": item.updated_by,
        "custom_values": item.custom_values,
    }


def _item(row: Sequence[Any]) -> WorkItem:
    return WorkItem(*row)
