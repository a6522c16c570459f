"""HTTP of settings."""

from __future__ import annotations

from typing import Annotated, Final

from litestar.params import QueryParameter

from tidemill.core.actor import Actor
from tidemill.core.config import Scope
from tidemill.core.keysets import after_text
from tidemill.core.pages import page_of, page_request
from tidemill.http import delete, get, put
from tidemill.http.parameters import Cursor, Limit
from tidemill.settings.permissions import READ_SETTINGS, WRITE_OWN_SETTINGS
from tidemill.settings.values.models import Setting
from tidemill.settings.values.schemas import PutSetting, SettingPage, SettingView
from tidemill.settings.values.service import SettingService

ScopeParameter = Annotated[
    Scope | None,
    QueryParameter(name="scope", description="Where it is stored; the narrowest by default."),
]
TenantParameter = Annotated[
    str | None,
    QueryParameter(name="tenant_id", description="Whose value is meant, for operators."),
]


@get("/settings", READ_SETTINGS)
async def list_settings(
    actor: Actor,
    settings: SettingService,
    limit: Limit = None,
    cursor: Cursor = None,
) -> SettingPage:
    """List the settings that you may see, with value, source and shadowed values."""
    page = page_request(limit, cursor, "settings")
    after = after_text(page) or ""
    found = sorted(await settings.list(actor), key=_name)
    rest = [setting for setting in found if _name(setting) > after]
    shown = page_of(rest, page, lambda setting: (_name(setting),))
    return SettingPage(
        items=[SettingView.of(setting) for setting in shown.items], next_cursor=shown.next_cursor
    )


@get("/settings/{key:str}", READ_SETTINGS)
async def get_setting(
    key: str, actor: Actor, settings: SettingService, of_tenant: TenantParameter = None
) -> SettingView:
    """Read one setting with its source and shadowed values."""
    return SettingView.of(await settings.get(key, actor, tenant_id=of_tenant))


@put("/settings/{key:str}", WRITE_OWN_SETTINGS)
async def put_setting(
    key: str, data: PutSetting, actor: Actor, settings: SettingService
) -> SettingView:
    """Store a value; every process uses it within 2 s.

    409 `SETTING_SHADOWED` when the command line, the environment or the configuration file
    sets the key: then nothing is stored.
    """
    stored = await settings.put(
        key, data.value, scope=data.scope, tenant_id=data.tenant_id, actor=actor
    )
    return SettingView.of(stored)


@delete("/settings/{key:str}", WRITE_OWN_SETTINGS)
async def delete_setting(
    key: str,
    actor: Actor,
    settings: SettingService,
    at_scope: ScopeParameter = None,
    of_tenant: TenantParameter = None,
) -> None:
    """Remove a stored value, so that the next source holds."""
    await settings.remove(key, scope=at_scope, tenant_id=of_tenant, actor=actor)


def _name(setting: Setting) -> str:
    return setting.key.name


ROUTES: Final = (list_settings, get_setting, put_setting, delete_setting)
