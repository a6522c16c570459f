"""HTTP of sprints."""

from __future__ import annotations

from typing import Any

from litestar.connection import Request
from msgspec import UNSET

from tidemill.board.permissions import READ_SPRINTS, WRITE_SPRINTS
from tidemill.board.sprints.models import Ending, NewSprint, Sprint, SprintChanges, SprintStatus
from tidemill.board.sprints.schemas import (
    BurndownView,
    ChangeSprint,
    CreateSprint,
    EndingView,
    EndSprint,
    SprintDetails,
    SprintPage,
)
from tidemill.board.sprints.service import SprintService
from tidemill.board.versions import Expected
from tidemill.core.actor import Actor
from tidemill.core.pages import page_request
from tidemill.http import FOR_GUESTS, Idempotency, Tagged, delete, get, patch, post, single
from tidemill.http.parameters import Cursor, Limit


@post("/sprints", WRITE_SPRINTS)
async def create_sprint(
    data: CreateSprint,
    actor: Actor,
    idempotency: Idempotency,
    sprints: SprintService,
    request: Request[Any, Any, Any],
) -> Tagged[SprintDetails]:
    """Plan a sprint."""
    new = NewSprint(
        project=data.project_id,
        name=data.name,
        goal=data.goal,
        start_date=data.start_date,
        end_date=data.end_date,
    )
    sprint = await sprints.plan(new, actor=actor, once=idempotency.once(Sprint))
    return _answer(sprint, request)


@get("/sprints", READ_SPRINTS, opt=FOR_GUESTS)
async def list_sprints(
    *,
    project_id: str,
    actor: Actor,
    sprints: SprintService,
    status: SprintStatus | None = None,
    limit: Limit = None,
    cursor: Cursor = None,
) -> SprintPage:
    """List the sprints of a project, the latest start first."""
    page = page_request(limit, cursor, f"sprints:{project_id.lower()}:{status or 'all'}")
    found = await sprints.list(project_id, page, status=status, actor=actor)
    return SprintPage(
        items=[SprintDetails.of(sprint) for sprint in found.items], next_cursor=found.next_cursor
    )


@get("/sprints/{sprint_id:str}", READ_SPRINTS, opt=FOR_GUESTS)
async def get_sprint(
    sprint_id: str, actor: Actor, sprints: SprintService, request: Request[Any, Any, Any]
) -> Tagged[SprintDetails]:
    """Read a sprint; its items are `GET /work-items?sprint_id=…`."""
    return _answer(await sprints.get(sprint_id, actor=actor), request)


@patch("/sprints/{sprint_id:str}", WRITE_SPRINTS)
async def change_sprint(  # noqa: PLR0913 - each parameter is injected by its name
    *,
    sprint_id: str,
    data: ChangeSprint,
    actor: Actor,
    expected_version: int | None,
    idempotency: Idempotency,
    sprints: SprintService,
    request: Request[Any, Any, Any],
) -> Tagged[SprintDetails]:
    """Change name, goal or dates of a sprint that has not ended."""
    version = None if data.expected_version is UNSET else data.expected_version
    sprint = await sprints.change(
        sprint_id,
        SprintChanges(
            name=data.name, goal=data.goal, start_date=data.start_date, end_date=data.end_date
        ),
        Expected(if_match=expected_version, version=version),
        actor=actor,
        once=idempotency.once(Sprint),
    )
    return _answer(sprint, request)


@delete("/sprints/{sprint_id:str}", WRITE_SPRINTS)
async def delete_sprint(
    sprint_id: str, actor: Actor, expected_version: int | None, sprints: SprintService
) -> None:
    """Delete a sprint that holds no items."""
    await sprints.delete(sprint_id, Expected(if_match=expected_version), actor=actor)


@post("/sprints/{sprint_id:str}/start", WRITE_SPRINTS, status_code=200)
async def start_sprint(
    *,
    sprint_id: str,
    actor: Actor,
    expected_version: int | None,
    idempotency: Idempotency,
    sprints: SprintService,
    request: Request[Any, Any, Any],
) -> Tagged[SprintDetails]:
    """Begin a planned sprint; what it holds now is what was committed."""
    sprint = await sprints.start(
        sprint_id,
        Expected(if_match=expected_version),
        actor=actor,
        once=idempotency.once(Sprint),
    )
    return _answer(sprint, request)


@post("/sprints/{sprint_id:str}/complete", WRITE_SPRINTS, status_code=200)
async def complete_sprint(
    *,
    sprint_id: str,
    data: EndSprint,
    actor: Actor,
    expected_version: int | None,
    idempotency: Idempotency,
    sprints: SprintService,
) -> EndingView:
    """Complete the active sprint, and carry over what is not done, in one step."""
    ending = await sprints.end(
        sprint_id,
        SprintStatus.COMPLETED,
        data.unfinished_to,
        Expected(if_match=expected_version),
        actor=actor,
        once=idempotency.once(Ending),
    )
    return EndingView.of(ending)


@post("/sprints/{sprint_id:str}/cancel", WRITE_SPRINTS, status_code=200)
async def cancel_sprint(
    *,
    sprint_id: str,
    data: EndSprint,
    actor: Actor,
    expected_version: int | None,
    idempotency: Idempotency,
    sprints: SprintService,
) -> EndingView:
    """Give a planned or active sprint up, and carry over what is not done, in one step."""
    ending = await sprints.end(
        sprint_id,
        SprintStatus.CANCELLED,
        data.unfinished_to,
        Expected(if_match=expected_version),
        actor=actor,
        once=idempotency.once(Ending),
    )
    return EndingView.of(ending)


@get("/sprints/{sprint_id:str}/burndown", READ_SPRINTS, opt=FOR_GUESTS)
async def get_burndown(sprint_id: str, actor: Actor, sprints: SprintService) -> BurndownView:
    """Read the course of a sprint day by day; once it has ended, as it was then."""
    return BurndownView.of(*await sprints.burndown(sprint_id, actor=actor))


def _answer(sprint: Sprint, request: Request[Any, Any, Any]) -> Tagged[SprintDetails]:
    return single(SprintDetails.of(sprint), version=sprint.version, request=request)


ROUTES = (
    create_sprint,
    list_sprints,
    get_sprint,
    change_sprint,
    delete_sprint,
    start_sprint,
    complete_sprint,
    cancel_sprint,
    get_burndown,
)
