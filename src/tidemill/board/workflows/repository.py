"""The SQL of workflows that projects have of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from tidemill.board.contract import ProjectId
from tidemill.board.texts import name_key
from tidemill.board.workflows.models import (
    DEFAULT_WORKFLOW,
    Category,
    Guard,
    Status,
    Workflow,
)
from tidemill.core.ports import Tx

_statuses_named_max: Final = 200
_ID: Final = "SELECT workflow_id FROM projects WHERE tenant_id = :tenant_id AND id = :project_id"
_WORKFLOW: Final = """
    SELECT id, initial, transitions FROM workflows
    WHERE tenant_id = :tenant_id AND project_id = :project_id
"""
_STATUSES: Final = """
    SELECT key, name, category, color, removed_at FROM workflow_statuses
    WHERE tenant_id = :tenant_id AND project_id = :project_id
    ORDER BY position, key
"""
_NAMED: Final = """
    SELECT key FROM workflow_statuses
    WHERE tenant_id = :tenant_id AND removed_at IS NULL AND key = :key
    UNION SELECT key FROM workflow_statuses
    WHERE tenant_id = :tenant_id AND removed_at IS NULL AND name_key = :name_key
    ORDER BY key LIMIT :limit
"""
# A saved filter goes on naming a status that was removed; it finds nothing then.
_FORMER: Final = """
    SELECT DISTINCT key FROM workflow_statuses
    WHERE tenant_id = :tenant_id AND removed_at IS NOT NULL AND key = :key
"""
_KEYS: Final = """
    SELECT DISTINCT key FROM workflow_statuses
    WHERE tenant_id = :tenant_id AND removed_at IS NULL
    ORDER BY key LIMIT :limit
"""
# Who gives items other statuses shares this lock; whoever changes a workflow holds it alone.
_SHARE: Final = """
    SELECT pg_advisory_xact_lock_shared(hashtextextended('workflows:' || :tenant_id, 0))
"""
_ALONE: Final = """
    SELECT pg_advisory_xact_lock(hashtextextended('workflows:' || :tenant_id, 0))
"""

_transitions = msgspec.json.Decoder(dict[str, dict[str, tuple[Guard, ...]]] | None)


class WorkflowRepository:
    """Workflows of a tenant's projects."""

    def id_of(self, tx: Tx, project_id: ProjectId) -> str | None:
        """Return which workflow a project has now; None is the default one."""
        row = tx.one(_ID, project_id=project_id)
        return None if row is None else row[0]

    def load(self, tx: Tx, project_id: ProjectId) -> tuple[str, Workflow] | None:
        """Return the id and the workflow that a project has of its own."""
        row = tx.one(_WORKFLOW, project_id=project_id)
        if row is None:
            return None
        workflow_id, initial, transitions = row
        rows = tx.all(_STATUSES, project_id=project_id)
        return workflow_id, _workflow(initial, _transitions.decode(transitions), rows)

    def named(self, tx: Tx, word: str) -> list[str]:
        """Return the keys of statuses of any project that have this key or name.

        Where there is none, a key that a project had once counts.
        """
        key, name = status_key(word), name_key(word)
        rows = tx.all(_NAMED, key=key, name_key=name, limit=_statuses_named_max)
        usual = (
            one.key
            for one in DEFAULT_WORKFLOW.statuses
            if one.key == key or name_key(one.name) == name
        )
        found = list(dict.fromkeys((*usual, *(row[0] for row in rows))))
        return found or [row[0] for row in tx.all(_FORMER, key=key)]

    def keys(self, tx: Tx) -> list[str]:
        """Return the keys of statuses of all projects, those of the default workflow first."""
        rows = tx.all(_KEYS, limit=_statuses_named_max)
        return list(dict.fromkeys((*DEFAULT_WORKFLOW.categories, *(row[0] for row in rows))))

    def share(self, tx: Tx) -> None:
        """Let nobody change a workflow of the tenant until the transaction ends."""
        # SQLite has one writer at a time.
        if tx.dialect == "postgres":
            tx.one(_SHARE)

    def lock(self, tx: Tx) -> None:
        """Let nobody give items other statuses, or change workflows, until this ends."""
        if tx.dialect == "postgres":
            tx.one(_ALONE)


def status_key(word: str) -> str:
    """Return a status as people write it in the form of keys: `In progress` is `in_progress`."""
    return word.lower().replace(" ", "_").replace("-", "_")


def _workflow(
    initial: str,
    transitions: dict[str, dict[str, tuple[Guard, ...]]] | None,
    rows: Sequence[Sequence[Any]],
) -> Workflow:
    return Workflow(
        statuses=tuple(
            Status(key=key, name=name, category=Category(category), color=color)
            for key, name, category, color, removed_at in rows
            if removed_at is None
        ),
        initial=initial,
        transitions=transitions,
        former={
            key: Category(category)
            for key, _, category, _, removed_at in rows
            if removed_at is not None
        },
    )
