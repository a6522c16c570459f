"""What one can do with settings: read, set, reset."""

from __future__ import annotations

from typing import Any, Final

import msgspec
import structlog
from msgspec import structs

from tidemill.core.actor import Actor
from tidemill.core.authorization import authorize
from tidemill.core.config import KEYS, BadValue, Given, Key, Layers, Scope
from tidemill.core.ids import INSTALLATION, TenantId
from tidemill.core.operators import Operators, is_operator
from tidemill.core.ports import Database, Tx
from tidemill.settings.contract import SettingChanged
from tidemill.settings.errors import (
    OperatorNeeded,
    SettingNotChangeable,
    SettingNotFound,
    SettingScopeNotAllowed,
    SettingShadowed,
    SettingTenantNotFound,
    SettingValueInvalid,
    UserNeeded,
)
from tidemill.settings.operators.repository import is_tenant
from tidemill.settings.permissions import (
    WRITE_INSTALLATION_SETTINGS,
    WRITE_OWN_SETTINGS,
    WRITE_TENANT_SETTINGS,
)
from tidemill.settings.values.models import (
    Ignored,
    Setting,
    StoredValue,
    settings_of,
    stored_values,
)
from tidemill.settings.values.repository import SettingRepository

log = structlog.get_logger(__name__)

CHANGE_KIND: Final = "settings"
"""The kind of change under which caches of settings are dropped; its key is the setting's."""


class SettingService:
    """Use cases of settings. Operators see every key, others what can be theirs."""

    def __init__(self, control: Database, layers: Layers, operators: Operators) -> None:
        self._control = control
        self._layers = layers
        self._operators = operators
        self._values = SettingRepository()

    async def list(self, actor: Actor) -> list[Setting]:
        """Return every setting that `actor` may see, by section, as it holds for `actor`."""
        operator = await self._is_operator(actor)
        found = await self._resolved(actor)
        return [setting for setting in found.values() if operator or _is_open(setting.key)]

    async def get(self, name: str, actor: Actor, *, tenant_id: str | None = None) -> Setting:
        """Return one setting as it holds for `actor`, or for a tenant that an operator names.

        Raises `SettingNotFound`, and `OperatorNeeded` and `SettingTenantNotFound`.
        """
        await self._visible_key(name, actor)
        if tenant_id is None:
            return (await self._resolved(actor))[name]
        named = await self._named(tenant_id, actor)
        return (await self._resolved(structs.replace(actor, tenant_id=named, user_id=None)))[name]

    async def put(
        self,
        name: str,
        value: object,
        *,
        scope: Scope | None = None,
        tenant_id: str | None = None,
        actor: Actor,
    ) -> Setting:
        """Store a value at `scope`, the narrowest possible unless given, and return the setting.

        Operators may name the tenant that it is for. Raises `SettingShadowed` when a source above
        the database sets the key, in which case nothing is stored, `SettingNotChangeable`,
        `SettingScopeNotAllowed`, `SettingValueInvalid`, and `PermissionDenied`, `OperatorNeeded` or
        `SettingTenantNotFound`.
        """
        key, place, user_id = await self._place(name, scope, tenant_id, actor)
        if fixed := self._layers.of(name):
            raise SettingShadowed(key, fixed[0].origin)
        try:
            accepted = key.accept(value)
        except BadValue as error:
            raise SettingValueInvalid(key, str(error)) from error
        stored = StoredValue(user_id, name, msgspec.json.encode(accepted).decode())

        def use_case(tx: Tx) -> None:
            before = self._values.get(tx, name, user_id)
            if before == stored.value:
                return
            self._values.put(tx, stored, updated_by=actor.user_id or actor.id)
            self._tell(tx, stored, before=before, actor=actor)

        await self._control.write(place, use_case)
        return await self.get(name, actor, tenant_id=tenant_id)

    async def remove(
        self,
        name: str,
        *,
        scope: Scope | None = None,
        tenant_id: str | None = None,
        actor: Actor,
    ) -> None:
        """Remove a stored value, so that the next source holds; safe to repeat.

        A shadowed value can be removed, too. Raises as `put` does.
        """
        _, place, user_id = await self._place(name, scope, tenant_id, actor)

        def use_case(tx: Tx) -> None:
            before = self._values.get(tx, name, user_id)
            if self._values.remove(tx, name, user_id):
                self._tell(tx, StoredValue(user_id, name, ""), before=before, actor=actor)

        await self._control.write(place, use_case)

    async def _resolved(self, actor: Actor) -> dict[str, Setting]:
        def own(tx: Tx) -> Any:
            return self._values.of(tx, actor.user_id or "")

        wide = await self._control.read(INSTALLATION, self._values.of)
        narrow = await self._control.read(actor.tenant_id, own) if _has_tenant(actor) else []
        return settings_of(
            self._layers,
            stored_values(narrow, installation=False, ignored=log_ignored),
            stored_values(wide, installation=True, ignored=log_ignored),
        )

    async def _visible_key(self, name: str, actor: Actor) -> Key:
        key = KEYS.get(name)
        if key is None or not (_is_open(key) or await self._is_operator(actor)):
            raise SettingNotFound(name)
        return key

    async def _place(
        self, name: str, scope: Scope | None, tenant_id: str | None, actor: Actor
    ) -> tuple[Key, TenantId, str]:
        """Return where the value lies, after every check that does not need it."""
        key = await self._visible_key(name, actor)
        scope = scope or (key.scope if tenant_id is None else Scope.TENANT)
        if not key.live:
            raise SettingNotChangeable(key)
        if scope.rank > key.scope.rank:
            raise SettingScopeNotAllowed(key, scope)
        if scope is Scope.INSTALLATION:
            authorize(actor, WRITE_INSTALLATION_SETTINGS)
            if not await self._is_operator(actor):
                raise OperatorNeeded
            return key, INSTALLATION, ""
        if scope is Scope.TENANT and (tenant_id is not None or key.about.quota):
            authorize(actor, WRITE_TENANT_SETTINGS)
            return key, await self._named(tenant_id or actor.tenant_id, actor), ""
        authorize(actor, WRITE_TENANT_SETTINGS if scope is Scope.TENANT else WRITE_OWN_SETTINGS)
        if not _has_tenant(actor):
            raise SettingScopeNotAllowed(key, scope)
        if scope is Scope.TENANT:
            return key, actor.tenant_id, ""
        if actor.user_id is None:
            raise UserNeeded
        return key, actor.tenant_id, actor.user_id

    async def _named(self, tenant_id: str, actor: Actor) -> TenantId:
        """Return the tenant that an operator means."""
        if not await self._is_operator(actor):
            raise OperatorNeeded
        if not await self._control.read(INSTALLATION, lambda tx: is_tenant(tx, tenant_id)):
            raise SettingTenantNotFound(tenant_id)
        return TenantId(tenant_id)

    def _tell(self, tx: Tx, stored: StoredValue, *, before: str | None, actor: Actor) -> None:
        scope = _scope(tx.tenant_id, stored.user_id)
        verb = "set" if stored.value else "reset"
        tx.record(
            SettingChanged(
                key=stored.key,
                scope=scope,
                removed=not stored.value,
                user_id=stored.user_id or None,
            ),
            by=actor,
        )
        tx.audit(
            f"settings.values.{verb}",
            by=actor,
            resource=f"setting:{stored.key}",
            before=_as_data(before),
            after=_as_data(stored.value),
            detail=scope.value,
        )
        tx.invalidate(CHANGE_KIND, stored.key)

    async def _is_operator(self, actor: Actor) -> bool:
        return await is_operator(self._operators, actor)


def log_ignored(key: str, reason: str) -> None:
    """Tell in the log that a stored value no longer fits its key."""
    log.warning("settings.stored_value.ignored", key=key, reason=reason)


def stored_for_installation(tx: Tx, ignored: Ignored = log_ignored) -> dict[str, list[Given]]:
    """Return the values that are stored for the installation, by key."""
    return stored_values(SettingRepository().of(tx), installation=True, ignored=ignored)


def _is_open(key: Key) -> bool:
    """Return whether members may see `key`: it can be set for their tenant or for them."""
    return key.scope is not Scope.INSTALLATION


def _has_tenant(actor: Actor) -> bool:
    return actor.tenant_id != INSTALLATION


def _scope(tenant_id: TenantId, user_id: str) -> Scope:
    if tenant_id == INSTALLATION:
        return Scope.INSTALLATION
    return Scope.USER if user_id else Scope.TENANT


def _as_data(value: str | None) -> object:
    return msgspec.json.decode(value) if value else None
