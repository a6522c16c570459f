from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import product
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.fixtures.stores import a_tenant, make_stores
from tidemill.core.actor import Actor, ActorKind, Role, system
from tidemill.core.authorization import PermissionDenied
from tidemill.core.config import Layers, Scope, Source
from tidemill.core.ids import INSTALLATION, TenantId, UserId
from tidemill.core.ports import Tx
from tidemill.infrastructure.database import Stores
from tidemill.runtime.configuration import Override, load_config
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
from tidemill.settings.values.service import SettingService

pytestmark = pytest.mark.anyio

ROOT = system("cli")
NO_LAYERS = Layers()


class Only:
    """Operators of a list."""

    def __init__(self, *actors: Actor) -> None:
        self._ids = {actor.id for actor in actors}

    async def is_operator(self, actor: Actor) -> bool:
        return actor.id in self._ids

    async def tenant_id(self) -> TenantId | None:
        return None


NOBODY = Only()


@pytest.fixture
async def stores(tmp_path: Path) -> AsyncIterator[Stores]:
    async with make_stores("sqlite", tmp_path) as stores:
        yield stores


@pytest.fixture
async def tenant(stores: Stores) -> TenantId:
    return await a_tenant(stores)


def user(tenant_id: TenantId, name: str, role: Role = Role.MEMBER, **fields: Any) -> Actor:
    return Actor(
        kind=ActorKind.USER,
        id=name,
        user_id=UserId(name),
        tenant_id=tenant_id,
        role=role,
        **fields,
    )


async def rows(stores: Stores, tenant_id: TenantId, sql: str) -> list[Any]:
    def use_case(tx: Tx) -> list[Any]:
        return [tuple(row) for row in tx.all(sql)]

    return await stores.control.read(tenant_id, use_case)


async def test_get_shows_the_default_where_nothing_is_stored(stores: Stores) -> None:
    setting = await SettingService(stores.control, NO_LAYERS, NOBODY).get("log.level", ROOT)

    assert setting.resolved.value == "info"
    assert setting.resolved.origin.source is Source.DEFAULT
    assert setting.resolved.shadowed == ()


async def test_put_stores_and_remove_goes_back(stores: Stores) -> None:
    service = SettingService(stores.control, NO_LAYERS, NOBODY)

    setting = await service.put("log.level", "debug", actor=ROOT)
    assert setting.resolved.value == "debug"
    assert str(setting.resolved.origin) == "database (installation)"
    assert [given.value for given in setting.resolved.shadowed] == ["info"]

    await service.remove("log.level", actor=ROOT)
    await service.remove("log.level", actor=ROOT)
    assert (await service.get("log.level", ROOT)).resolved.value == "info"


@pytest.mark.parametrize("present", list(product([False, True], repeat=5)))
async def test_get_follows_all_five_sources(
    present: tuple[bool, ...], stores: Stores, tmp_path: Path
) -> None:
    """S1: real options, variables, a real file, a real database; the fifth is the default,
    which is always there and so is present in both of its cases."""
    command_line, environment, in_file, in_database, _ = present
    await _store_anyway(stores, "error" if in_database else None)
    file = tmp_path / "tidemill.toml"
    file.write_text('[log]\nlevel = "warning"\n' if in_file else "")
    config = load_config(
        overrides=[Override(key="log.level", text="trace")] if command_line else [],
        environ={"LOG_LEVEL": "debug"} if environment else {},
        config_file=file,
    )

    setting = await SettingService(stores.control, config.layers, NOBODY).get("log.level", ROOT)

    expected = [
        (value, source)
        for value, source, there in zip(
            ["trace", "debug", "warning", "error", "info"],
            Source,
            (*present[:4], True),
            strict=True,
        )
        if there
    ]
    found = [(setting.resolved.value, setting.resolved.origin.source)]
    found += [(given.value, given.origin.source) for given in setting.resolved.shadowed]
    assert found == expected


async def _store_anyway(stores: Stores, level: str | None) -> None:
    if level is not None:
        await SettingService(stores.control, NO_LAYERS, NOBODY).put("log.level", level, actor=ROOT)


async def test_put_refuses_what_a_stronger_source_sets_and_stores_nothing(
    stores: Stores, tmp_path: Path
) -> None:
    file = tmp_path / "tidemill.toml"
    file.write_text('# ours\n[log]\nlevel = "warning"\n')
    service = SettingService(stores.control, load_config(config_file=file).layers, NOBODY)

    with pytest.raises(SettingShadowed) as refused:
        await service.put("log.level", "debug", actor=ROOT)

    assert refused.value.status == 409
    assert f"by the file: log.level in {file}:3." in refused.value.message
    assert await rows(stores, INSTALLATION, "SELECT key FROM setting_values") == []
    assert await rows(stores, INSTALLATION, "SELECT id FROM outbox") == []


async def test_remove_works_on_a_shadowed_value(stores: Stores) -> None:
    await _store_anyway(stores, "error")
    layers = load_config(environ={"LOG_LEVEL": "debug"}).layers
    service = SettingService(stores.control, layers, NOBODY)
    assert len((await service.get("log.level", ROOT)).resolved.shadowed) == 2

    await service.remove("log.level", actor=ROOT)

    assert len((await service.get("log.level", ROOT)).resolved.shadowed) == 1


async def test_put_refuses_keys_that_are_read_at_start(stores: Stores) -> None:
    """S2: system keys cannot be written unless they are marked."""
    service = SettingService(stores.control, NO_LAYERS, NOBODY)

    with pytest.raises(SettingNotChangeable, match="TIDEMILL_SERVER_PORT"):
        await service.put("server.port", 4000, actor=ROOT)


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("log.level", "loud", "one of trace, debug"),
        ("log.level", 3, "one of trace, debug"),
        ("limits.requests_per_minute", -1, "a whole number from 0"),
        ("limits.requests_per_minute", "7", "a whole number from 0"),
        ("limits.requests_per_minute", True, "a whole number from 0"),
        ("features.registration", "yes", "true or false"),
    ],
)
async def test_put_says_what_a_value_must_be(
    key: str, value: object, expected: str, stores: Stores
) -> None:
    with pytest.raises(SettingValueInvalid, match=expected) as refused:
        await SettingService(stores.control, NO_LAYERS, NOBODY).put(key, value, actor=ROOT)

    assert refused.value.param == "value"


async def test_get_refuses_an_unknown_key_with_the_nearest_name(stores: Stores) -> None:
    with pytest.raises(SettingNotFound, match=r"Did you mean log\.level\?"):
        await SettingService(stores.control, NO_LAYERS, NOBODY).get("log.levle", ROOT)


async def test_values_of_a_user_win_over_the_tenants_and_the_installations(
    stores: Stores, tenant: TenantId
) -> None:
    """S2: per-user keys per user."""
    admin = user(tenant, "admin", Role.ADMIN)
    ann, ben = user(tenant, "ann"), user(tenant, "ben")
    service = SettingService(stores.control, NO_LAYERS, NOBODY)
    await service.put("preferences.theme", "light", scope=Scope.INSTALLATION, actor=ROOT)
    await service.put("preferences.theme", "dark", scope=Scope.TENANT, actor=admin)
    await service.put("preferences.theme", "system", actor=ann)

    of_ann = (await service.get("preferences.theme", ann)).resolved
    of_ben = (await service.get("preferences.theme", ben)).resolved

    assert (of_ann.value, of_ann.origin.scope) == ("system", Scope.USER)
    assert [given.value for given in of_ann.shadowed] == ["dark", "light", "system"]
    assert (of_ben.value, of_ben.origin.scope) == ("dark", Scope.TENANT)


async def test_values_of_a_tenant_stay_within_it(stores: Stores, tenant: TenantId) -> None:
    other = await a_tenant(stores)
    service = SettingService(stores.control, NO_LAYERS, NOBODY)
    await service.put("jobs.timeout_seconds_default", 5, actor=user(tenant, "admin", Role.ADMIN))

    setting = await service.get("jobs.timeout_seconds_default", user(other, "admin", Role.ADMIN))

    assert setting.resolved.value == 600


async def test_put_refuses_who_may_not(stores: Stores, tenant: TenantId) -> None:
    service = SettingService(stores.control, NO_LAYERS, NOBODY)
    member, owner = user(tenant, "ann"), user(tenant, "olga", Role.OWNER)
    reader = user(tenant, "rita", scopes=frozenset({"read"}))
    nobody = Actor(kind=ActorKind.SYSTEM, id="relay", tenant_id=tenant, role=Role.OWNER)

    with pytest.raises(PermissionDenied):
        await service.put("preferences.theme", "dark", scope=Scope.TENANT, actor=member)
    with pytest.raises(PermissionDenied):
        await service.put("preferences.theme", "dark", actor=reader)
    with pytest.raises(OperatorNeeded):
        await service.put("preferences.theme", "dark", scope=Scope.INSTALLATION, actor=owner)
    with pytest.raises(SettingNotFound):
        await service.put("log.level", "debug", actor=owner)
    with pytest.raises(UserNeeded):
        await service.put("preferences.theme", "dark", actor=nobody)
    with pytest.raises(SettingScopeNotAllowed):
        await service.put("log.level", "debug", scope=Scope.TENANT, actor=ROOT)


async def test_operators_see_and_change_what_others_do_not(
    stores: Stores, tenant: TenantId
) -> None:
    owner = user(tenant, "olga", Role.OWNER)
    operators = Only(owner)
    service = SettingService(stores.control, NO_LAYERS, operators)

    assert (await service.put("log.level", "debug", actor=owner)).resolved.value == "debug"
    names = {setting.key.name for setting in await service.list(owner)}
    seen = {setting.key.name for setting in await service.list(user(tenant, "ann"))}
    assert "database.url" in names
    assert "database.url" not in seen
    assert "preferences.theme" in seen


QUOTA = "jobs.queued_per_tenant_max"


async def test_operators_set_the_quota_of_a_tenant(stores: Stores, tenant: TenantId) -> None:
    other = await a_tenant(stores)
    owner, theirs = user(tenant, "olga", Role.OWNER), user(other, "omar", Role.OWNER)
    service = SettingService(stores.control, NO_LAYERS, Only(owner))

    async def values() -> list[object]:
        return [(await service.get(QUOTA, who)).resolved.value for who in (owner, theirs)]

    stored = await service.put(QUOTA, 5, tenant_id=other, actor=owner)
    assert (stored.resolved.value, await values()) == (5, [1_000_000, 5])
    for refused in (
        service.put(QUOTA, 9, actor=theirs),
        service.put(QUOTA, 9, tenant_id=other, actor=theirs),
        service.remove(QUOTA, actor=theirs),
        service.get(QUOTA, theirs, tenant_id=tenant),
    ):
        with pytest.raises(OperatorNeeded):
            await refused
    with pytest.raises(SettingTenantNotFound):
        await service.put(QUOTA, 9, tenant_id="nobody", actor=owner)
    await service.remove(QUOTA, tenant_id=other, actor=owner)
    assert await values() == [1_000_000, 1_000_000]


async def test_put_leaves_a_fact_an_audit_line_and_a_change(
    stores: Stores, tenant: TenantId
) -> None:
    service = SettingService(stores.control, NO_LAYERS, NOBODY)
    admin = user(tenant, "admin", Role.ADMIN)

    await service.put("features.inline_jobs", value=False, actor=admin)
    await service.put("features.inline_jobs", value=False, actor=admin)
    await service.remove("features.inline_jobs", actor=admin)

    facts = await rows(stores, tenant, "SELECT type, subject, data FROM outbox ORDER BY position")
    assert [(type_, subject) for type_, subject, _ in facts] == [
        ("SettingChanged", "features.inline_jobs"),
        ("SettingChanged", "features.inline_jobs"),
    ]
    assert msgspec.json.decode(facts[0][2])["scope"] == "tenant"
    lines = await rows(
        stores, tenant, "SELECT action, before, after FROM audit_outbox ORDER BY position"
    )
    assert lines == [
        ("settings.values.set", None, "false"),
        ("settings.values.reset", "false", None),
    ]
    changes = await rows(stores, tenant, "SELECT kind, tenant_id, key FROM changes ORDER BY seq")
    assert changes.count(("settings", tenant, "features.inline_jobs")) == 2


async def test_get_passes_over_stored_values_that_no_longer_fit(stores: Stores) -> None:
    def old_rows(tx: Tx) -> None:
        for key, value in [("log.level", '"loud"'), ("log.gone", "1"), ("server.port", "1")]:
            tx.execute(
                "INSERT INTO setting_values (tenant_id, user_id, key, value, updated_at, "
                "updated_by) VALUES (:tenant_id, '', :key, :value, :now, 'x')",
                key=key,
                value=value,
            )

    await stores.control.write(INSTALLATION, old_rows)
    service = SettingService(stores.control, NO_LAYERS, NOBODY)

    assert (await service.get("log.level", ROOT)).resolved.value == "info"
    assert (await service.get("server.port", ROOT)).resolved.value == 3000
