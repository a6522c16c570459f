"""HTTP of what holds for the time of projects."""

from __future__ import annotations

from typing import Any, Final

from litestar.connection import Request

from tidemill.board.job_times.models import TimeSettings
from tidemill.board.job_times.schemas import PutTimeSettings, TimeSettingsView
from tidemill.board.job_times.service import JobTimeService
from tidemill.board.permissions import READ_TIME, WRITE_ALL_TIME
from tidemill.core.actor import Actor
from tidemill.http import Idempotency, Tagged, get, put, single


@get("/projects/{project_id:str}/time-settings", READ_TIME)
async def get_time_settings(
    project_id: str, actor: Actor, job_times: JobTimeService, request: Request[Any, Any, Any]
) -> Tagged[TimeSettingsView]:
    """Read whether a project books the time that jobs run."""
    return _answer(await job_times.get(project_id, actor=actor), request)


@put("/projects/{project_id:str}/time-settings", WRITE_ALL_TIME)
async def put_time_settings(  # noqa: PLR0913 - each parameter is injected by its name
    *,
    project_id: str,
    data: PutTimeSettings,
    actor: Actor,
    expected_version: int | None,
    idempotency: Idempotency,
    job_times: JobTimeService,
    request: Request[Any, Any, Any],
) -> Tagged[TimeSettingsView]:
    """Say whether a project books the time of jobs that end from now on."""
    settings = await job_times.put(
        project_id,
        books_jobs=data.books_jobs,
        if_match=expected_version,
        actor=actor,
        once=idempotency.once(TimeSettings),
    )
    return _answer(settings, request)


def _answer(settings: TimeSettings, request: Request[Any, Any, Any]) -> Tagged[TimeSettingsView]:
    return single(TimeSettingsView.of(settings), version=settings.version, request=request)


ROUTES: Final = (get_time_settings, put_time_settings)
