"""Secrets at rest on both databases: what lies there, where it opens, and how keys change."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest
from msgspec import structs

from tests.fixtures.stores import StoresKind, a_tenant, make_stores
from tidemill.core.actor import Actor, system
from tidemill.core.config.sections.storing import Secrets
from tidemill.core.ports import Tx
from tidemill.infrastructure.database import Stores
from tidemill.jobs.resource_errors import SecretLocked
from tidemill.jobs.variables.repository import VariableRepository
from tidemill.jobs.variables.sealing import MasterKeys
from tidemill.jobs.variables.service import Values, VariableService

pytestmark = pytest.mark.anyio

WORD = "high tide at noon"
OLD = Secrets(master_key="o" * 48)
BOTH = Secrets(master_key="n" * 48, master_key_previous="o" * 48)
NEW = Secrets(master_key="n" * 48)


@pytest.fixture(params=["sqlite", "schema", "pool"])
async def stores(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stores]:
    async with make_stores(cast("StoresKind", request.param), tmp_path) as made:
        yield made


@pytest.fixture
async def actor(stores: Stores) -> Actor:
    return system("test", await a_tenant(stores))


def service(stores: Stores, secrets: Secrets = OLD) -> VariableService:
    return VariableService(stores.tenants, Values(MasterKeys(secrets)))


async def put(service: VariableService, path: str, value: str, actor: Actor) -> None:
    await service.put(
        path, value, is_secret=True, description="", expected_version=None, actor=actor
    )


async def stored(stores: Stores, path: str, actor: Actor) -> str:
    found = await stores.tenants.read(
        actor.tenant_id, lambda tx: VariableRepository().find(tx, path)
    )
    assert found is not None
    return found.value


async def test_secrets_lie_sealed_and_each_time_otherwise(stores: Stores, actor: Actor) -> None:
    variables = service(stores)
    await put(variables, "a", WORD, actor)
    await put(variables, "b", WORD, actor)

    sealed = [await stored(stores, path, actor) for path in ("a", "b")]

    assert sealed[0] != sealed[1]
    assert all(WORD not in text for text in sealed)
    assert (await variables.value("a", actor=actor))[1] == WORD


async def test_a_secret_opens_at_its_own_path_only(stores: Stores, actor: Actor) -> None:
    variables = service(stores)
    await put(variables, "a", WORD, actor)
    await put(variables, "b", "other", actor)

    def move(tx: Tx) -> None:
        tx.execute(
            "UPDATE variables SET value = (SELECT v.value FROM variables AS v"
            " WHERE v.tenant_id = :tenant_id AND v.path = 'a')"
            " WHERE tenant_id = :tenant_id AND path = 'b'"
        )

    await stores.tenants.write(actor.tenant_id, move)

    with pytest.raises(SecretLocked):
        await variables.value("b", actor=actor)


async def test_a_secret_does_not_open_in_another_tenant(stores: Stores, actor: Actor) -> None:
    masters = MasterKeys(OLD)
    other = await a_tenant(stores)
    key = masters.new_key(actor.tenant_id, "key")
    sealed = masters.seal(actor.tenant_id, key, "a", WORD)

    with pytest.raises(SecretLocked):
        masters.open(other, key, "a", sealed)
    with pytest.raises(SecretLocked):
        masters.open(actor.tenant_id, structs.replace(key, id="other"), "a", sealed)


async def test_rotation_lets_the_former_master_key_go(stores: Stores, actor: Actor) -> None:
    await put(service(stores), "a", WORD, actor)
    with pytest.raises(SecretLocked, match="master_key_previous"):
        await service(stores, NEW).value("a", actor=actor)
    before = await stored(stores, "a", actor)

    done = await service(stores, BOTH).rotate(renew=False, actor=actor)

    assert (done.keys_wrapped, done.secrets_sealed) == (1, 0)
    assert await stored(stores, "a", actor) == before, "only the key was sealed anew"
    assert (await service(stores, NEW).value("a", actor=actor))[1] == WORD
    with pytest.raises(SecretLocked):
        await service(stores, OLD).value("a", actor=actor)


async def test_rotation_seals_every_secret_by_a_new_key(stores: Stores, actor: Actor) -> None:
    variables = service(stores)
    for number in range(205):
        await put(variables, f"many/{number:03}", f"{WORD} {number}", actor)
    before = await stored(stores, "many/204", actor)

    done = await variables.rotate(renew=True, actor=actor)
    again = await variables.rotate(renew=False, actor=actor)

    assert (done.keys_wrapped, done.secrets_sealed) == (0, 205)
    assert (again.keys_wrapped, again.secrets_sealed) == (0, 0)
    assert await stored(stores, "many/204", actor) != before
    for number in (0, 204):
        opened = await variables.value(f"many/{number:03}", actor=actor)
        assert opened[1] == f"{WORD} {number}"
    assert (await variables.get("many/204", actor=actor)).version == 1


async def test_a_server_without_a_master_key_seals_nothing(stores: Stores, actor: Actor) -> None:
    variables = service(stores, Secrets())

    with pytest.raises(SecretLocked, match=r"no secrets\.master_key"):
        await put(variables, "a", WORD, actor)
    await variables.put(
        "plain", "x", is_secret=False, description="", expected_version=None, actor=actor
    )

    assert (await variables.value("plain", actor=actor))[1] == "x"
