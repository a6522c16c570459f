"""HTTP of briefs."""

from __future__ import annotations

from typing import Annotated, Any

from litestar.connection import Request
from litestar.params import QueryParameter

from tidemill.board.permissions import READ_WORK_ITEMS
from tidemill.board.project_briefs.models import (
    budget_tokens_default,
    budget_tokens_max,
    budget_tokens_min,
)
from tidemill.board.project_briefs.schemas import ProjectBriefView
from tidemill.board.project_briefs.service import ProjectBriefService
from tidemill.core.actor import Actor
from tidemill.http import Tagged, composed, get

BudgetTokens = Annotated[
    int,
    QueryParameter(
        name="budget_tokens",
        ge=budget_tokens_min,
        le=budget_tokens_max,
        description="How many tokens the text may have at most, as `estimated_tokens` counts.",
    ),
]


@get("/llm/projects/{project_id:str}", READ_WORK_ITEMS)
async def get_project_brief(
    project_id: str,
    actor: Actor,
    project_briefs: ProjectBriefService,
    request: Request[Any, Any, Any],
    budget_tokens: BudgetTokens = budget_tokens_default,
) -> Tagged[ProjectBriefView]:
    """Read what matters in a project, as a text for a model that fits a budget of tokens."""
    brief = await project_briefs.of_project(project_id, budget_tokens=budget_tokens, actor=actor)
    return composed(ProjectBriefView.of(brief), version=brief.version, request=request)


ROUTES = (get_project_brief,)
