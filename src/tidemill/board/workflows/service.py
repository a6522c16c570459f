"""Gives the workflow of a project; each method works in the caller's transaction."""

from __future__ import annotations

from threading import Lock
from typing import Final

from tidemill.board.contract import ProjectId
from tidemill.board.errors import UnknownStatus
from tidemill.board.workflows.models import DEFAULT_WORKFLOW, Workflow
from tidemill.board.workflows.repository import WorkflowRepository
from tidemill.core.ports import Tx

kept_max: Final = 512


class Workflows:
    """The workflows of projects.

    Each change of a workflow gives it another id, under which it never changes: what was read
    once is kept, and nobody need be told.
    """

    def __init__(self) -> None:
        self._workflows = WorkflowRepository()
        self._kept: dict[str, Workflow] = {}
        self._lock = Lock()

    def of(self, tx: Tx, project_id: ProjectId, workflow_id: str | None) -> Workflow:
        """Return a project's workflow; `workflow_id` is what its row says."""
        if workflow_id is None:
            return DEFAULT_WORKFLOW
        kept = self._kept.get(workflow_id)
        if kept is not None:
            return kept
        found = self._workflows.load(tx, project_id)
        if found is None:
            return DEFAULT_WORKFLOW
        self._keep(*found)
        return found[1]

    def of_project(self, tx: Tx, project_id: ProjectId) -> Workflow:
        """Return the workflow of a project whose row is not at hand."""
        return self.of(tx, project_id, self._workflows.id_of(tx, project_id))

    def share(self, tx: Tx) -> None:
        """Let nobody change a workflow of the tenant until the transaction ends.

        Ahead of the locks of single items, by whoever gives them other statuses.
        """
        self._workflows.share(tx)

    def lock(self, tx: Tx) -> None:
        """Let nobody else give items statuses, or change a workflow, until this ends."""
        self._workflows.lock(tx)

    def check_known(self, tx: Tx, status: str) -> None:
        """Return when a project of the tenant has this status; raises `UnknownStatus`."""
        if status in DEFAULT_WORKFLOW.categories:
            return
        if status not in self._workflows.named(tx, status):
            raise UnknownStatus(status, self._workflows.keys(tx))

    def _keep(self, workflow_id: str, workflow: Workflow) -> None:
        with self._lock:
            if len(self._kept) >= kept_max:
                del self._kept[next(iter(self._kept))]
            self._kept[workflow_id] = workflow
