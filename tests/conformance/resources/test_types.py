"""Types of resources on both databases: a tenant's own, beside those built in."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.fixtures.values import ValuesWorld, all_pages
from tidemill.jobs.code.resources.models import BUILT_IN, ResourceType
from tidemill.jobs.resource_errors import (
    ResourceInvalid,
    ResourceTypeInUse,
    ResourceTypeInvalid,
    ResourceTypeNotFound,
)

pytestmark = pytest.mark.anyio

PIER = {"type": "object", "required": ["pier"], "properties": {"pier": {"type": "integer"}}}


async def put(world: ValuesWorld, name: str, schema: dict[str, Any] | None = None) -> ResourceType:
    return await world.types.put(
        name, schema or PIER, description="", expected_version=None, actor=world.owner
    )


async def test_resources_keep_to_a_type_of_the_tenants_own(world: ValuesWorld) -> None:
    assert (await put(world, "harbour")).version == 1

    with pytest.raises(ResourceInvalid) as wrong:
        await world.put_resource("west", {"pier": "one"}, "harbour")
    await world.put_resource("west", {"pier": 1}, "harbour")

    assert wrong.value.param == "value.pier"


async def test_a_resource_of_sqlite_may_be_in_memory_and_so_have_no_path(
    world: ValuesWorld,
) -> None:
    await world.put_resource("lite", {}, "sqlite")

    with pytest.raises(ResourceInvalid):
        await world.put_resource("lite", {"path": 1}, "sqlite")


async def test_a_resource_of_postgresql_names_a_mode_of_tls_that_there_is(
    world: ValuesWorld,
) -> None:
    reached = {"host": "db", "dbname": "tides"}

    with pytest.raises(ResourceInvalid) as wrong:
        await world.put_resource("tides", {**reached, "sslmode": "verify-ful"}, "postgresql")
    await world.put_resource("tides", {**reached, "sslmode": "verify-full"}, "postgresql")

    assert wrong.value.param == "value.sslmode"


@pytest.mark.each_database(reason="transactions race")
async def test_no_resource_keeps_a_type_that_is_deleted_meanwhile(world: ValuesWorld) -> None:
    for turn in range(10):
        await put(world, "harbour")

        made, gone = await asyncio.gather(
            world.put_resource(f"west{turn}", {"pier": 1}, "harbour"),
            world.types.delete("harbour", actor=world.owner),
            return_exceptions=True,
        )

        assert isinstance(made, ResourceInvalid) != isinstance(gone, ResourceTypeInUse)
        if gone is not None:
            await world.resources.delete(f"west{turn}", actor=world.owner)
            await world.types.delete("harbour", actor=world.owner)


async def test_a_type_stays_while_resources_have_it(world: ValuesWorld) -> None:
    await put(world, "harbour")
    await world.put_resource("west", {"pier": 1}, "harbour")

    with pytest.raises(ResourceTypeInUse, match="west"):
        await world.types.delete("harbour", actor=world.owner)

    await world.resources.delete("west", actor=world.owner)
    await world.types.delete("harbour", actor=world.owner)
    with pytest.raises(ResourceTypeNotFound):
        await world.types.get("harbour", actor=world.owner)


@pytest.mark.parametrize(
    ("name", "schema", "param"),
    [
        ("harbour", {"$ref": "http://x.test/s"}, "schema"),
        ("harbour", {"type": "nonsense"}, "schema"),
        ("smtp", PIER, "name"),
        ("No Name", PIER, "name"),
    ],
    ids=["remote", "broken", "taken", "name"],
)
async def test_a_type_that_nothing_could_be_checked_by_is_refused(
    world: ValuesWorld, name: str, schema: dict[str, Any], param: str
) -> None:
    with pytest.raises(ResourceTypeInvalid) as refused:
        await put(world, name, schema)

    assert refused.value.param == param


async def test_list_goes_through_own_types_among_those_built_in(world: ValuesWorld) -> None:
    for name in ("zoo", "harbour"):
        await put(world, name)

    found = await all_pages(lambda page: world.types.list(page, actor=world.owner), 3)

    assert [one.name for one in found] == sorted([*BUILT_IN, "harbour", "zoo"])


async def test_types_of_another_tenant_do_not_exist(world: ValuesWorld, other: ValuesWorld) -> None:
    await put(world, "harbour")

    with pytest.raises(ResourceTypeNotFound):
        await other.types.get("harbour", actor=other.owner)
    with pytest.raises(ResourceTypeNotFound):
        await other.types.delete("harbour", actor=other.owner)
    with pytest.raises(ResourceInvalid):
        await other.put_resource("west", {"pier": 1}, "harbour")
