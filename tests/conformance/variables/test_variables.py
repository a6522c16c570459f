"""Variables and secrets on both databases: their versions, their pages, and who may read them."""

from __future__ import annotations

import asyncio

import pytest
from msgspec import structs

from tests.fixtures.values import WORD, ValuesWorld, all_pages
from tidemill.core.actor import ActorKind
from tidemill.http import VersionChanged
from tidemill.jobs.code.scripts.service import Deployment, ScriptService
from tidemill.jobs.resource_errors import SecretNotForToken, VariableInUse, VariableNotFound

pytestmark = pytest.mark.anyio


async def test_each_change_of_a_variable_raises_its_version(world: ValuesWorld) -> None:
    made = await world.put("harbour/station", "west", expected_version=0)
    changed = await world.put("harbour/station", "east", expected_version=1)

    assert (made.version, changed.version) == (1, 2)
    assert (changed.created_at, changed.created_by) == (made.created_at, made.created_by)
    assert await world.value("/harbour/station/") == "east"


@pytest.mark.parametrize("expected_version", [0, 2])
async def test_a_change_of_another_version_changes_nothing(
    world: ValuesWorld, expected_version: int
) -> None:
    await world.put("station", "west")

    with pytest.raises(VersionChanged, match="at version 1 now"):
        await world.put("station", "east", expected_version=expected_version)

    assert await world.value("station") == "west"


async def test_a_deleted_variable_is_gone_and_begins_anew(world: ValuesWorld) -> None:
    await world.put("station", "west")
    await world.put("station", "east")

    await world.variables.delete("station", actor=world.owner)

    with pytest.raises(VariableNotFound):
        await world.value("station")
    with pytest.raises(VariableNotFound):
        await world.variables.delete("station", actor=world.owner)
    assert (await world.put("station")).version == 1


async def test_list_goes_through_variables_by_path(world: ValuesWorld) -> None:
    paths = ["a", "a/b", "b", "f/one", "u/x"]
    for path in reversed(paths):
        await world.put(path)

    found = await all_pages(lambda page: world.variables.list(page, actor=world.owner), 2)

    assert [variable.path for variable in found] == paths


async def test_a_secret_stays_one_until_it_is_said_otherwise(world: ValuesWorld) -> None:
    made = await world.put("password", "first", is_secret=True)
    kept = await world.put("password")
    told = await world.put("password", "plain", is_secret=False)

    assert [one.is_secret for one in (made, kept, told)] == [True, True, False]
    assert told.value == "plain"
    assert WORD not in kept.value


async def test_each_reading_of_a_secret_is_audited_and_no_line_shows_a_value(
    world: ValuesWorld,
) -> None:
    await world.put("password", is_secret=True)
    await world.put("station")
    await world.value("password")
    await world.value("station")
    await world.variables.delete("password", actor=world.owner)

    assert await world.audited() == [
        ("jobs.variables.put", "variable:password"),
        ("jobs.variables.put", "variable:station"),
        ("jobs.secrets.read", "variable:password"),
        ("jobs.variables.delete", "variable:password"),
    ]


@pytest.mark.parametrize(
    ("kind", "scopes", "reads"),
    [
        (ActorKind.API_TOKEN, {"read", "jobs:run"}, False),
        (ActorKind.API_TOKEN, {"write"}, True),
        (ActorKind.JOB, {"jobs:run"}, True),
    ],
    ids=["narrow", "wide", "job"],
)
async def test_a_token_reads_values_only_with_write_unless_it_is_a_jobs(
    world: ValuesWorld, kind: ActorKind, scopes: set[str], reads: bool
) -> None:
    await world.put("password", is_secret=True)
    actor = structs.replace(world.owner, kind=kind, scopes=frozenset(scopes))

    if reads:
        assert (await world.variables.value("password", actor=actor))[1] == WORD
    else:
        with pytest.raises(SecretNotForToken):
            await world.variables.value("password", actor=actor)


async def test_variables_of_another_tenant_do_not_exist(
    world: ValuesWorld, other: ValuesWorld
) -> None:
    await world.put("password", is_secret=True)

    with pytest.raises(VariableNotFound):
        await other.variables.get("password", actor=other.owner)
    with pytest.raises(VariableNotFound):
        await other.value("password")
    with pytest.raises(VariableNotFound):
        await other.variables.delete("password", actor=other.owner)
    assert await all_pages(lambda page: other.variables.list(page, actor=other.owner), 2) == []

    await other.put("password", "theirs", expected_version=0)
    assert await world.value("password") == WORD


async def test_a_variable_stays_while_a_script_in_use_refers_to_it(world: ValuesWorld) -> None:
    await world.put("harbour/station")
    await world.put("harbour")
    scripts = ScriptService(world.stores.tenants, bytes_max=1 << 16)
    content = 'def main(station: str = "$var:harbour/station"):\n    pass\n'
    await scripts.deploy(
        Deployment(path="reads", language="python", content=content), actor=world.owner
    )

    with pytest.raises(VariableInUse, match="script reads"):
        await world.variables.delete("harbour/station", actor=world.owner)
    await world.variables.delete("harbour", actor=world.owner)  # Its path only begins alike.
    await scripts.archive("reads", actor=world.owner)
    await world.variables.delete("harbour/station", actor=world.owner)


async def test_a_variable_stays_while_what_lies_in_another_store_refers_to_it(
    world: ValuesWorld,
) -> None:
    asked = []

    async def users_of(target: str, actor: object) -> list[str]:
        asked.append(target)
        return ["schedule hourly"]

    world.variables.on_delete(users_of)
    await world.put("station")

    with pytest.raises(VariableInUse, match="schedule hourly"):
        await world.variables.delete("/station", actor=world.owner)

    assert asked == ["$var:station"]


@pytest.mark.each_database(reason="transactions race")
async def test_of_those_who_write_over_one_version_at_once_one_wins(world: ValuesWorld) -> None:
    await world.put("keys/shared")
    await world.put_resource("keys/place", {"base_url": "http://a"})
    types, owner = world.types, world.owner
    await types.put("tide", {}, description="", expected_version=None, actor=owner)

    for write in (
        lambda: world.put("keys/shared", expected_version=1),
        lambda: world.put_resource("keys/place", {"base_url": "http://a"}, expected_version=1),
        lambda: types.put("tide", {}, description="", expected_version=1, actor=owner),
        lambda: world.put("keys/new", expected_version=0),
    ):
        done = await asyncio.gather(*(write() for _ in range(8)), return_exceptions=True)

        refused = [one for one in done if isinstance(one, VersionChanged)]
        assert len(refused) == len(done) - 1, done
