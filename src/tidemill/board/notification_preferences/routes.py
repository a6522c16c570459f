"""HTTP of preferences."""

from __future__ import annotations

from typing import Any

from litestar.connection import Request

from tidemill.board.notification_preferences.models import Preferences
from tidemill.board.notification_preferences.schemas import ChangePreferences, PreferencesView
from tidemill.board.notification_preferences.service import PreferenceService
from tidemill.board.permissions import READ_NOTIFICATIONS, WRITE_NOTIFICATIONS
from tidemill.core.actor import Actor
from tidemill.http import Idempotency, Tagged, composed, delete, get, patch, put


@get("/notification-preferences", READ_NOTIFICATIONS)
async def get_notification_preferences(
    actor: Actor, notification_preferences: PreferenceService, request: Request[Any, Any, Any]
) -> Tagged[PreferencesView]:
    """Read of what you hear, and how."""
    return _answer(await notification_preferences.get(actor=actor), request)


@patch("/notification-preferences", WRITE_NOTIFICATIONS)
async def change_notification_preferences(
    *,
    data: ChangePreferences,
    actor: Actor,
    expected_version: int | None,
    idempotency: Idempotency,
    notification_preferences: PreferenceService,
    request: Request[Any, Any, Any],
) -> Tagged[PreferencesView]:
    """Change of what you hear, and how."""
    changed = await notification_preferences.change(
        data.changes, expected_version, actor=actor, once=idempotency.once(Preferences)
    )
    return _answer(changed, request)


@put(
    "/notification-preferences/muted-projects/{project_id:str}",
    WRITE_NOTIFICATIONS,
    status_code=204,
)
async def mute_project(
    project_id: str, actor: Actor, notification_preferences: PreferenceService
) -> None:
    """Hear of nothing in a project, named by its id or key."""
    await notification_preferences.mute(project_id, actor=actor)


@delete("/notification-preferences/muted-projects/{project_id:str}", WRITE_NOTIFICATIONS)
async def unmute_project(
    project_id: str, actor: Actor, notification_preferences: PreferenceService
) -> None:
    """Hear of a project again."""
    await notification_preferences.unmute(project_id, actor=actor)


def _answer(preferences: Preferences, request: Request[Any, Any, Any]) -> Tagged[PreferencesView]:
    # What the tenant says for whoever said nothing changes without a version.
    view = PreferencesView.of(preferences)
    return composed(view, version=preferences.version, request=request)


ROUTES = (
    get_notification_preferences,
    change_notification_preferences,
    mute_project,
    unmute_project,
)
