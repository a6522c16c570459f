"""Resources on both databases: what they refer to, and what needs them."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from tests.fixtures.values import WORD, ValuesWorld, all_pages
from tidemill.core.ports import Tx
from tidemill.http import VersionChanged
from tidemill.jobs.code.resources.repository import ResourceRepository
from tidemill.jobs.resource_errors import (
    ReferenceInvalid,
    ResourceInUse,
    ResourceInvalid,
    ResourceNotFound,
    VariableInUse,
)

pytestmark = pytest.mark.anyio

DATABASE = {"host": "db.test", "port": 5432, "dbname": "tides", "password": "$var:db/password"}


async def test_a_resource_is_kept_with_its_references_and_read_without(world: ValuesWorld) -> None:
    await world.put("db/password", is_secret=True)
    made = await world.put_resource("db/tides", DATABASE, "postgresql")
    await world.put_resource("mirror", {"base_url": "x", "headers": {"from": "$res:db/tides"}})

    resolved = await world.resources.value("/mirror", actor=world.owner)

    assert "$var:db/password" in made.value
    assert resolved.value["headers"]["from"] == {**DATABASE, "password": WORD}
    assert resolved.secrets == (WORD,)


async def test_each_secret_in_a_resource_that_is_read_is_audited(world: ValuesWorld) -> None:
    await world.put("db/password", is_secret=True)
    await world.put_resource("db/tides", DATABASE, "postgresql")
    await world.resources.value("db/tides", actor=world.owner)

    assert await world.audited() == [
        ("jobs.variables.put", "variable:db/password"),
        ("jobs.resources.put", "resource:db/tides"),
        ("jobs.secrets.read", "variable:db/password"),
    ]


@pytest.mark.parametrize(
    ("value", "type_", "param"),
    [
        ({"host": "x"}, "postgresql", "value"),
        ({**DATABASE, "port": "5432"}, "postgresql", "value.port"),
        ({}, "postgres", "type"),
        ({**DATABASE, "sslmod": "require"}, "postgresql", "value.sslmod"),
    ],
    ids=["missing", "wrong", "unknown", "misspelt"],
)
async def test_a_resource_that_does_not_fit_its_type_is_refused(
    world: ValuesWorld, value: Any, type_: str, param: str
) -> None:
    with pytest.raises(ResourceInvalid) as refused:
        await world.put_resource("db", value, type_)

    assert refused.value.param == param


async def test_an_unknown_field_of_a_type_is_told_with_the_nearest(world: ValuesWorld) -> None:
    with pytest.raises(ResourceInvalid) as built_in:
        await world.put_resource("db", {**DATABASE, "sslmod": "require"}, "postgresql")
    oauth = {"base_url": "x", "token_url": "y", "client_id": "i", "client_secret": "s"}
    await world.put_resource("api", {**oauth, "scope": "read", "audience": "z"}, "http")

    assert built_in.value.message.startswith(
        "value.sslmod: there is no such field; did you mean sslmode? The type has: host, port,"
    )
    assert "needs a type of your own" in built_in.value.message
    with pytest.raises(ResourceInvalid, match=r"hots: there is no such field; did you mean host\?"):
        await world.put_resource("db", {"hots": "x", "dbname": "y"}, "postgresql")
    with pytest.raises(ResourceInvalid, match=r"no type 'postgres'; did you mean postgresql\?"):
        await world.put_resource("db", DATABASE, "postgres")


async def test_a_resource_of_an_earlier_release_is_read_with_its_unknown_fields(
    world: ValuesWorld,
) -> None:
    value = msgspec.json.encode({**DATABASE, "sslmod": "require"}).decode()

    def use_case(tx: Tx) -> None:
        ResourceRepository().put(tx, "db", type_="postgresql", value=value, description="", by="x")

    await world.stores.tenants.write(world.owner.tenant_id, use_case)
    await world.put("db/password", is_secret=True)

    resolved = await world.resources.value("db", actor=world.owner)

    assert resolved.value["sslmod"] == "require"


async def test_a_reference_may_stand_where_the_type_wants_something_else(
    world: ValuesWorld,
) -> None:
    await world.put_resource("db", {**DATABASE, "port": "$var:db/port"}, "postgresql")

    with pytest.raises(ReferenceInvalid, match="no such variable"):
        await world.resources.value("db", actor=world.owner)


@pytest.mark.parametrize("names", ["a", "ab", "abc"], ids=["itself", "two", "three"])
async def test_a_resource_that_would_refer_to_itself_is_refused(
    world: ValuesWorld, names: str
) -> None:
    *others, last = zip(names, names[1:] + names[0], strict=True)
    for name, target in others:
        await world.put_resource(name, {"base_url": f"$res:{target}"})

    with pytest.raises(ResourceInvalid, match="leads back to itself") as refused:
        await world.put_resource(last[0], {"base_url": f"$res:{last[1]}"})

    assert refused.value.param == "value"


@pytest.mark.each_database(reason="transactions race")
async def test_two_changes_at_once_tie_no_circle_of_resources(world: ValuesWorld) -> None:
    for turn in range(5):
        one, other = f"{turn}/one", f"{turn}/other"
        done = await asyncio.gather(
            world.put_resource(one, {"base_url": f"$res:{other}"}),
            world.put_resource(other, {"base_url": f"$res:{one}"}),
            return_exceptions=True,
        )
        assert [isinstance(end, ResourceInvalid) for end in done].count(True) == 1


async def test_a_circle_of_references_is_told_with_its_way(world: ValuesWorld) -> None:
    await world.put_resource("a", {"base_url": "$res:b"})

    def use_case(tx: Tx) -> None:
        # As one that was tied before circles were refused.
        value = '{"base_url": "$res:a"}'
        ResourceRepository().put(tx, "b", type_="http", value=value, description="", by="x")

    await world.stores.tenants.write(world.owner.tenant_id, use_case)

    with pytest.raises(ReferenceInvalid, match=r"\$res:a → \$res:b → \$res:a: this leads back"):
        await world.resources.value("a", actor=world.owner)


async def test_references_lead_on_up_to_a_limit(world: ValuesWorld) -> None:
    for number in range(8):
        await world.put_resource(f"deep/{number}", {"base_url": f"$res:deep/{number + 1}"})
    await world.put_resource("deep/8", {"base_url": "x"})

    assert (await world.resources.value("deep/1", actor=world.owner)).secrets == ()
    with pytest.raises(ReferenceInvalid, match="8 references after each other"):
        await world.resources.value("deep/0", actor=world.owner)


async def test_what_others_refer_to_stays_until_they_do_no_more(world: ValuesWorld) -> None:
    await world.put("db/password", is_secret=True)
    await world.put_resource("db/tides", DATABASE, "postgresql")
    await world.put_resource("mirror", {"base_url": "$res:db/tides"})

    with pytest.raises(VariableInUse, match="resource db/tides"):
        await world.variables.delete("db/password", actor=world.owner)
    with pytest.raises(ResourceInUse, match="mirror"):
        await world.resources.delete("db/tides", actor=world.owner)

    await world.put_resource("mirror", {"base_url": "x"})
    await world.resources.delete("db/tides", actor=world.owner)
    await world.variables.delete("db/password", actor=world.owner)
    with pytest.raises(ResourceNotFound):
        await world.resources.get("db/tides", actor=world.owner)


async def test_each_change_of_a_resource_raises_its_version(world: ValuesWorld) -> None:
    made = await world.put_resource("tides", {"base_url": "x"}, expected_version=0)
    changed = await world.put_resource("tides", {"base_url": "y"}, expected_version=1)
    with pytest.raises(VersionChanged, match="at version 2 now"):
        await world.put_resource("tides", {"base_url": "z"}, expected_version=1)

    assert (made.version, changed.version) == (1, 2)
    assert (await world.resources.get("tides", actor=world.owner)).value == changed.value


async def test_list_goes_through_resources_by_path(world: ValuesWorld) -> None:
    paths = ["a", "a/b", "b"]
    for path in reversed(paths):
        await world.put_resource(path, {"base_url": "x"})

    found = await all_pages(lambda page: world.resources.list(page, actor=world.owner), 2)

    assert [resource.path for resource in found] == paths


async def test_resources_of_another_tenant_do_not_exist(
    world: ValuesWorld, other: ValuesWorld
) -> None:
    await world.put_resource("tides", {"base_url": "x"})
    await other.put_resource("mine", {"base_url": "$res:tides"})

    for read in (other.resources.get, other.resources.value, other.resources.delete):
        with pytest.raises(ResourceNotFound):
            await read("tides", actor=other.owner)
    with pytest.raises(ReferenceInvalid, match="no such resource"):
        await other.resources.value("mine", actor=other.owner)
    # What the other tenant's resource names is not this one's: nothing holds it back.
    await world.resources.delete("tides", actor=world.owner)
