"""Views on every kind of store."""

from __future__ import annotations

import pytest
from msgspec import structs

from tests.fixtures.board import BoardWorld
from tidemill.board.errors import NullNotAllowed, ProjectNotFound
from tidemill.board.filter_errors import InvalidFilter, TooManyViews, ViewNotFound, ViewNotOwn
from tidemill.board.views.models import NewView, View, ViewChanges, views_per_owner_max
from tidemill.core.actor import Role
from tidemill.core.pages import page_request
from tidemill.http import VersionChanged

pytestmark = pytest.mark.anyio


async def _a_view(world: BoardWorld, **fields: object) -> View:
    new = structs.replace(NewView(name="Mine", filter="is:open"), **fields)
    return await world.views.create(new, actor=world.actor)


async def test_create_integration_keeps_what_was_given(world: BoardWorld) -> None:
    project = await world.a_project()

    made = await _a_view(world, project="tm", filter="is:open sort:rank", is_shared=True)

    assert await world.views.get(made.id, actor=world.actor) == made
    assert (made.project_id, made.filter, made.version) == (project.id, "is:open sort:rank", 1)
    assert (await world.fact_types())[-1] == "ViewCreated"
    assert (await world.audit_actions())[-1] == "board.views.create"


@pytest.mark.parametrize("text", ["statsu:x", "project:NO", "sort:rank"])
async def test_create_integration_refuses_a_filter_that_says_nothing(
    world: BoardWorld, text: str
) -> None:
    with pytest.raises(InvalidFilter):
        await _a_view(world, filter=text)


async def test_create_integration_refuses_a_project_that_is_not_there(world: BoardWorld) -> None:
    with pytest.raises(ProjectNotFound):
        await _a_view(world, project="NO")


async def test_views_integration_of_others_are_hidden_until_shared(world: BoardWorld) -> None:
    other = world.an_actor()
    own, shared = await _a_view(world), await _a_view(world, is_shared=True)

    async def seen() -> list[str]:
        found = await world.views.list(page_request(1, None), project=None, actor=other)
        rest = (
            await world.views.list(page_request(50, found.next_cursor), project=None, actor=other)
            if found.next_cursor
            else None
        )
        return [view.id for view in found.items + (rest.items if rest else [])]

    assert await seen() == [shared.id]
    for attempt in (
        world.views.get(own.id, actor=other),
        world.views.change(own.id, ViewChanges(name="x"), None, actor=other),
        world.views.delete(own.id, None, actor=other),
    ):
        with pytest.raises(ViewNotFound):
            await attempt

    await world.views.change(own.id, ViewChanges(is_shared=True), None, actor=world.actor)
    assert await seen() == [own.id, shared.id]
    for attempt in (
        world.views.change(own.id, ViewChanges(name="x"), None, actor=other),
        world.views.delete(own.id, None, actor=other),
    ):
        with pytest.raises(ViewNotOwn):
            await attempt
    admin = structs.replace(other, role=Role.ADMIN)
    await world.views.delete(own.id, None, actor=admin)
    assert await seen() == [shared.id]


async def test_change_integration_counts_versions_and_tells_who_shares(world: BoardWorld) -> None:
    view = await _a_view(world)
    before = await world.fact_types()

    same = await world.views.change(view.id, ViewChanges(name="Mine"), 1, actor=world.actor)
    new = await world.views.change(
        view.id, ViewChanges(name="Ours", filter="is:closed"), 1, actor=world.actor
    )

    assert (same.version, new.version, new.filter) == (1, 2, "is:closed")
    assert await world.fact_types() == before, "what is one's own concerns nobody else"
    with pytest.raises(VersionChanged):
        await world.views.change(view.id, ViewChanges(name="x"), 1, actor=world.actor)
    with pytest.raises(NullNotAllowed):
        await world.views.change(view.id, ViewChanges(filter=None), None, actor=world.actor)
    with pytest.raises(InvalidFilter):
        await world.views.change(view.id, ViewChanges(filter="a)"), None, actor=world.actor)


async def test_create_integration_ends_at_the_limit(world: BoardWorld) -> None:
    one = await _a_view(world)
    await world.stores.tenants.write(
        world.tenant_id,
        lambda tx: tx.execute_many(
            "INSERT INTO views (tenant_id, id, name, filter, owner_id, version, created_at, "
            "updated_at, updated_by) "
            "VALUES (:tenant_id, :id, 'x', '', :owner, 1, 1, 1, 'x')",
            [{"id": tx.new_id(), "owner": one.owner_id} for _ in range(views_per_owner_max - 1)],
        ),
    )

    with pytest.raises(TooManyViews):
        await _a_view(world)
