"""The SQL that gives a project another workflow, and its items what follows from that."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from tidemill.board.contract import ProjectId, SprintId, WorkItemId
from tidemill.board.texts import name_key
from tidemill.board.workflow_changes.models import ProjectWorkflow, Step
from tidemill.board.workflows.models import CLOSED, WAITING, Category, Status, Workflow
from tidemill.core.actor import Actor
from tidemill.core.clock import Instant
from tidemill.core.ports import Tx, Value

_former_max: Final = 200
_VERSION: Final = """
    SELECT version, updated_at, updated_by FROM workflows
    WHERE tenant_id = :tenant_id AND project_id = :project_id
"""
_SAVE: Final = """
    INSERT INTO workflows (tenant_id, project_id, id, version, initial, transitions, updated_at,
        updated_by)
    VALUES (:tenant_id, :project_id, :id, :version, :initial, :transitions, :updated_at,
        :updated_by)
    ON CONFLICT (tenant_id, project_id) DO UPDATE
    SET id = excluded.id, version = excluded.version, initial = excluded.initial,
        transitions = excluded.transitions, updated_at = excluded.updated_at,
        updated_by = excluded.updated_by
"""
_USE: Final = """
    UPDATE projects SET workflow_id = :workflow_id
    WHERE tenant_id = :tenant_id AND id = :project_id
"""
_STATUS: Final = """
    INSERT INTO workflow_statuses (tenant_id, project_id, key, name, name_key, category, color,
        position, removed_at)
    VALUES (:tenant_id, :project_id, :key, :name, :name_key, :category, :color, :position,
        :removed_at)
    ON CONFLICT (tenant_id, project_id, key) DO UPDATE
    SET name = excluded.name, name_key = excluded.name_key, category = excluded.category,
        color = excluded.color, position = excluded.position, removed_at = excluded.removed_at
"""
_FORGET: Final = """
    DELETE FROM workflow_statuses
    WHERE tenant_id = :tenant_id AND project_id = :project_id AND removed_at IS NOT NULL
        AND key NOT IN (
            SELECT s.key FROM workflow_statuses AS s
            WHERE s.tenant_id = :tenant_id AND s.project_id = :project_id
                AND s.removed_at IS NOT NULL
            ORDER BY s.removed_at DESC, s.key LIMIT :kept
        )
"""
_COUNTS: Final = """
    SELECT status, COUNT(*) FROM work_items
    WHERE tenant_id = :tenant_id AND project_id = :project_id
    GROUP BY status
"""
_OF_STATUSES: Final = """
    tenant_id = :tenant_id AND project_id = :project_id AND status IN ({})
"""
_LOCK: Final = "SELECT id FROM work_items WHERE {} ORDER BY id FOR NO KEY UPDATE"
_DEPENDENTS: Final = """
    SELECT DISTINCT blocked_item_id FROM dependencies
    WHERE tenant_id = :tenant_id AND dependency_type = 'blocks' AND blocking_item_id IN (
            SELECT id FROM work_items WHERE {} AND deleted_at IS NULL
        )
    ORDER BY blocked_item_id
"""
_IN_SPRINTS: Final = """
    SELECT id, sprint_id, points FROM work_items
    WHERE tenant_id = :tenant_id AND project_id = :project_id AND status = :old
        AND sprint_id IS NOT NULL AND deleted_at IS NULL
    ORDER BY id
"""
_HISTORY: Final = """
    INSERT INTO activities (tenant_id, work_item_id, version, field, action, old_value, new_value,
        at, actor_kind, actor_id, user_id, fact_id)
    SELECT tenant_id, id, version + 1, CAST(:field AS TEXT), 'updated', CAST(:before AS TEXT),
        CAST(:after AS TEXT), CAST(:now AS BIGINT), CAST(:actor_kind AS TEXT),
        CAST(:actor_id AS TEXT), CAST(:user_id AS TEXT),
        CAST(:fact_id AS TEXT)
    FROM work_items
    WHERE tenant_id = :tenant_id AND project_id = :project_id AND status = :old
"""
# How many moved is told by the fact, so that their history is there before it is.
_TOLD: Final = """
    UPDATE activities SET fact_id = :fact_id WHERE tenant_id = :tenant_id AND fact_id = :mark
"""
_MOVE: Final = """
    UPDATE work_items
    SET status = :new, status_category = :category, {times},
        version = version + 1, updated_at = :now, updated_by = :updated_by
    WHERE tenant_id = :tenant_id AND project_id = :project_id AND status = :old
"""
# Where a status means something else from now on, it has meant so since the item came into it.
_SINCE: Final = """COALESCE(
            (
                SELECT MAX(a.at) FROM activities AS a
                WHERE a.tenant_id = work_items.tenant_id AND a.work_item_id = work_items.id
                    AND a.field = 'status' AND a.new_value = :new
            ),
            created_at
        )"""
_NOW: Final = "CAST(:now AS BIGINT)"


class InSprint(Struct, frozen=True):
    """As much of an item as its sprint counts."""

    id: WorkItemId
    sprint_id: SprintId
    points: int | None


class WorkflowChangeRepository:
    """Workflows as a project has them, and the items that follow."""

    def version(self, tx: Tx, project_id: ProjectId, workflow: Workflow) -> ProjectWorkflow:
        """Return a project's workflow with its version, when it was set and by whom."""
        row = tx.one(_VERSION, project_id=project_id)
        version, updated_at, updated_by = (1, None, None) if row is None else row
        return ProjectWorkflow(
            project_id=project_id,
            version=version,
            workflow=workflow,
            updated_at=updated_at,
            updated_by=updated_by,
        )

    def save(self, tx: Tx, wanted: ProjectWorkflow, gone: Sequence[Status]) -> None:
        """Give a project a workflow, which lacks statuses that are `gone`."""
        project_id, workflow, id_ = wanted.project_id, wanted.workflow, tx.new_id()
        tx.execute(
            _SAVE,
            project_id=project_id,
            id=id_,
            version=wanted.version,
            initial=workflow.initial,
            transitions=msgspec.json.encode(workflow.transitions).decode(),
            updated_at=wanted.updated_at,
            updated_by=wanted.updated_by,
        )
        rows = [
            *((status, place, None) for place, status in enumerate(workflow.statuses)),
            *((status, len(workflow.statuses), tx.now) for status in gone),
        ]
        tx.execute_many(_STATUS, (_status(project_id, *row) for row in rows))
        tx.execute(_FORGET, project_id=project_id, kept=_former_max)
        tx.execute(_USE, project_id=project_id, workflow_id=id_)

    def counts(self, tx: Tx, project_id: ProjectId) -> dict[str, int]:
        """Return how many items have each status, deleted ones included."""
        return dict(tuple(row) for row in tx.all(_COUNTS, project_id=project_id))

    def lock_items(self, tx: Tx, project_id: ProjectId, statuses: Iterable[str]) -> None:
        """Let nobody else change items of these statuses until the transaction ends."""
        if tx.dialect == "postgres":
            condition, parameters = _of_statuses(project_id, statuses)
            tx.all(_LOCK.format(condition), **parameters)

    def dependents(
        self, tx: Tx, project_id: ProjectId, statuses: Iterable[str]
    ) -> list[WorkItemId]:
        """Return what items of these statuses block, finished or not."""
        condition, parameters = _of_statuses(project_id, statuses)
        return [row[0] for row in tx.all(_DEPENDENTS.format(condition), **parameters)]

    def in_sprints(self, tx: Tx, project_id: ProjectId, status: str) -> list[InSprint]:
        """Return the living items of a status that lie in sprints."""
        return [InSprint(*row) for row in tx.all(_IN_SPRINTS, project_id=project_id, old=status)]

    def told(self, tx: Tx, mark: str, fact_id: str) -> None:
        """Say by which fact the history is told that has this mark."""
        tx.execute(_TOLD, mark=mark, fact_id=fact_id)

    def move(self, tx: Tx, project_id: ProjectId, step: Step, mark: str, *, by: Actor) -> int:
        """Take all items of a status through a step, with their history; return how many.

        `told` says of a `mark` by which fact it is told.
        """
        field, before, after = ("status", step.old, step.new)
        if not step.is_move:
            field, before, after = ("status_category", step.meant.value, step.means.value)
        tx.execute(
            _HISTORY,
            project_id=project_id,
            old=step.old,
            field=field,
            before=before,
            after=after,
            actor_kind=by.kind.value,
            actor_id=by.id,
            user_id=by.user_id,
            fact_id=mark,
        )
        return tx.execute(
            _MOVE.format(times=_times(step)),
            project_id=project_id,
            old=step.old,
            new=step.new,
            category=step.means.value,
            updated_by=by.user_id or by.id,
        )


def _of_statuses(project_id: ProjectId, statuses: Iterable[str]) -> tuple[str, dict[str, Value]]:
    named: dict[str, Value] = {f"s{place}": status for place, status in enumerate(statuses)}
    condition = _OF_STATUSES.format(", ".join(f":{name}" for name in named))
    return condition, {"project_id": project_id, **named}


def _times(step: Step) -> str:
    """Return the columns that `times_in` tells, for the category of a step."""
    at = _NOW if step.is_move else _SINCE
    if step.means in WAITING:
        return "started_at = NULL, completed_at = NULL"
    if step.means in CLOSED:
        return f"completed_at = COALESCE(completed_at, {at})"
    return f"started_at = COALESCE(started_at, {at}), completed_at = NULL"


def _status(
    project_id: str, status: Status, position: int, removed_at: Instant | None
) -> dict[str, Value]:
    return {
        "project_id": project_id,
        "key": status.key,
        "name": status.name,
        "name_key": name_key(status.name),
        "category": Category(status.category).value,
        "color": status.color,
        "position": position,
        "removed_at": removed_at,
    }
