"""HTTP of workflows."""

from __future__ import annotations

from typing import Any, Final

from litestar.connection import Request

from tidemill.board.permissions import READ_PROJECTS, WRITE_WORKFLOWS
from tidemill.board.workflow_changes.models import ProjectWorkflow
from tidemill.board.workflow_changes.schemas import PutWorkflow, WorkflowView
from tidemill.board.workflow_changes.service import WorkflowService
from tidemill.core.actor import Actor
from tidemill.http import FOR_GUESTS, Idempotency, Tagged, get, put, single


@get("/projects/{project_id:str}/workflow", READ_PROJECTS, opt=FOR_GUESTS)
async def get_workflow(
    project_id: str, actor: Actor, workflows: WorkflowService, request: Request[Any, Any, Any]
) -> Tagged[WorkflowView]:
    """Read the statuses of a project and the moves between them."""
    return _answer(await workflows.get(project_id, actor=actor), request)


@put("/projects/{project_id:str}/workflow", WRITE_WORKFLOWS)
async def put_workflow(  # noqa: PLR0913 - each parameter is injected by its name
    *,
    project_id: str,
    data: PutWorkflow,
    actor: Actor,
    expected_version: int | None,
    idempotency: Idempotency,
    workflows: WorkflowService,
    request: Request[Any, Any, Any],
) -> Tagged[WorkflowView]:
    """Give a project statuses and moves of its own; its items follow at once."""
    found = await workflows.put(
        project_id,
        data.wanted(),
        if_match=expected_version,
        actor=actor,
        once=idempotency.once(ProjectWorkflow),
    )
    return _answer(found, request)


def _answer(found: ProjectWorkflow, request: Request[Any, Any, Any]) -> Tagged[WorkflowView]:
    return single(WorkflowView.of(found), version=found.version, request=request)


ROUTES: Final = (get_workflow, put_workflow)
