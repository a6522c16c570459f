"""HTTP of what holds for the boards of projects."""

from __future__ import annotations

from typing import Any, Final

from litestar.connection import Request

from tidemill.board.board_settings.models import BoardSettings
from tidemill.board.board_settings.schemas import BoardSettingsView, PutBoardSettings
from tidemill.board.board_settings.service import BoardSettingsService
from tidemill.board.permissions import READ_PROJECTS, WRITE_PROJECTS
from tidemill.core.actor import Actor
from tidemill.http import FOR_GUESTS, Idempotency, Tagged, get, put, single


@get("/projects/{project_id:str}/board-settings", READ_PROJECTS, opt=FOR_GUESTS)
async def get_board_settings(
    project_id: str,
    actor: Actor,
    board_settings: BoardSettingsService,
    request: Request[Any, Any, Any],
) -> Tagged[BoardSettingsView]:
    """Read the columns, lanes and limits of a project's board."""
    return _answer(await board_settings.get(project_id, actor=actor), request)


@put("/projects/{project_id:str}/board-settings", WRITE_PROJECTS)
async def put_board_settings(  # noqa: PLR0913 - each parameter is injected by its name
    *,
    project_id: str,
    data: PutBoardSettings,
    actor: Actor,
    expected_version: int | None,
    idempotency: Idempotency,
    board_settings: BoardSettingsService,
    request: Request[Any, Any, Any],
) -> Tagged[BoardSettingsView]:
    """Say which columns, lanes and limits a project's board has."""
    settings = await board_settings.put(
        project_id,
        data.rules(),
        if_match=expected_version,
        actor=actor,
        once=idempotency.once(BoardSettings),
    )
    return _answer(settings, request)


def _answer(settings: BoardSettings, request: Request[Any, Any, Any]) -> Tagged[BoardSettingsView]:
    return single(BoardSettingsView.of(settings), version=settings.version, request=request)


ROUTES: Final = (get_board_settings, put_board_settings)
