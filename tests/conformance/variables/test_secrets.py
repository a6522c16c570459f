"""Secrets at rest on both databases: what lies there, where it opens, and how keys change."""

from __future__ import annotations

import pytest

from tests.fixtures.values import SECRETS as OLD
from tests.fixtures.values import WORD, ValuesWorld
from tidemill.core.config.sections.storing import Secrets
from tidemill.core.ports import Tx
from tidemill.jobs.code.variables.repository import VariableRepository
from tidemill.jobs.resource_errors import SecretLocked

pytestmark = pytest.mark.anyio

BOTH = Secrets(master_key="n" * 48, master_key_previous=OLD.master_key)
NEW = Secrets(master_key="n" * 48)


async def stored(world: ValuesWorld, path: str) -> str:
    found = await world.stores.tenants.read(
        world.owner.tenant_id, lambda tx: VariableRepository().find(tx, path)
    )
    assert found is not None
    return found.value


async def test_secrets_lie_sealed_and_each_time_otherwise(world: ValuesWorld) -> None:
    await world.put("a", is_secret=True)
    await world.put("b", is_secret=True)

    sealed = [await stored(world, path) for path in ("a", "b")]

    assert sealed[0] != sealed[1]
    assert all(WORD not in text for text in sealed)
    assert await world.value("a") == WORD


async def test_a_secret_opens_at_its_own_path_only(world: ValuesWorld) -> None:
    await world.put("a", is_secret=True)
    await world.put("b", "other", is_secret=True)

    def move(tx: Tx) -> None:
        tx.execute(
            "UPDATE variables SET value = (SELECT v.value FROM variables AS v"
            " WHERE v.tenant_id = :tenant_id AND v.path = 'a')"
            " WHERE tenant_id = :tenant_id AND path = 'b'"
        )

    await world.stores.tenants.write(world.owner.tenant_id, move)

    with pytest.raises(SecretLocked):
        await world.value("b")


async def test_rotation_lets_the_former_master_key_go(world: ValuesWorld) -> None:
    await world.put("a", is_secret=True)
    with pytest.raises(SecretLocked, match="master_key_previous"):
        await world.with_keys(NEW).value("a")
    before = await stored(world, "a")

    done = await world.with_keys(BOTH).variables.rotate(renew=False, actor=world.owner)

    assert (done.keys_wrapped, done.secrets_sealed) == (1, 0)
    assert await stored(world, "a") == before, "only the key was sealed anew"
    assert await world.with_keys(NEW).value("a") == WORD
    with pytest.raises(SecretLocked):
        await world.value("a")


async def test_rotation_seals_every_secret_by_a_new_key(world: ValuesWorld) -> None:
    for number in range(205):
        await world.put(f"many/{number:03}", f"{WORD} {number}", is_secret=True)
    before = await stored(world, "many/204")

    done = await world.variables.rotate(renew=True, actor=world.owner)
    again = await world.variables.rotate(renew=False, actor=world.owner)

    assert (done.keys_wrapped, done.secrets_sealed) == (0, 205)
    assert (again.keys_wrapped, again.secrets_sealed) == (0, 0)
    assert await stored(world, "many/204") != before
    for number in (0, 204):
        assert await world.value(f"many/{number:03}") == f"{WORD} {number}"
    assert (await world.variables.get("many/204", actor=world.owner)).version == 1


async def test_a_server_without_a_master_key_seals_nothing(world: ValuesWorld) -> None:
    without = world.with_keys(Secrets())

    with pytest.raises(SecretLocked, match=r"no secrets\.master_key"):
        await without.put("a", is_secret=True)
    await without.put("plain", "x", is_secret=False)

    assert await without.value("plain") == "x"
