"""Questions to the board that are fixed statements."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from tests.fixtures.board import BoardWorld
from tests.fixtures.stores import a_tenant
from tidemill.board.errors import ProjectNotFound, WorkItemNotFound
from tidemill.board.named_queries.models import Answer
from tidemill.board.named_queries.statements import QUERIES
from tidemill.board.query_errors import InvalidQueryParameter, QueryNotFound
from tidemill.board.work_items.models import WorkItemChanges
from tidemill.core.pages import PageRequest

pytestmark = pytest.mark.anyio

_DAY = 86_400


async def _ask(
    world: BoardWorld, name: str, given: Mapping[str, str | int], limit: int = 50
) -> Answer:
    return await world.queries.run(name, given, limit=limit, actor=world.actor)


async def _change(world: BoardWorld, key: str, **fields: object) -> None:
    changes = WorkItemChanges(**fields)  # type: ignore[arg-type]
    await world.items.change(key, changes, actor=world.actor)


async def test_named_queries_integration_answer_what_lists_show(world: BoardWorld) -> None:
    # pm.md 6.8: named, parameterised read-only queries with row and time limits.
    now = world.clock.now()
    today = datetime.fromtimestamp(now / 1_000_000, tz=UTC).date()
    ada = await world.a_person()
    await world.a_project()
    sprint = await world.a_sprint()
    await world.an_item("story", title="Dredge", points=3, assignee_id=ada, status="in_progress")
    await world.an_item(title="Sail", parent="TM-1", points=2, status="done")
    await world.an_item(title="~~~\u202eMoor", due_date=today - timedelta(days=1), assignee_id=ada)
    await world.an_item(title="Put away")
    await world.an_item(title="Deleted", parent="TM-1")
    await _change(world, "TM-4", archived=True)
    await world.items.delete("TM-5", actor=world.actor)
    await world.a_link("TM-3", "TM-1")
    await _change(world, "TM-2", sprint=sprint.id)
    begun = (await world.reads.get("TM-1", actor=world.actor)).updated_at // 1_000_000
    finished_at = (await world.reads.get("TM-2", actor=world.actor)).completed_at
    assert finished_at is not None
    done = finished_at // 1_000_000

    async def rows(name: str, **given: str | int) -> list[list[str | int | None]]:
        return [list(row) for row in (await _ask(world, name, given)).rows]

    assert await rows("blocked_items", project="tm") == [["TM-1", "Dredge", "TM-3", "---Moor"]]
    assert await rows("child_items", item="TM-1") == [["TM-2", "task", "done", "Sail"]]
    assert await rows("done_items", project="TM") == [["TM-2", "Sail", "done", done]]
    assert await rows("items_by_status", project="TM") == [
        ["backlog", "backlog", 1, 0],
        ["done", "done", 1, 2],
        ["in_progress", "started", 1, 3],
    ]
    assert await rows("overdue_items", project="TM") == [
        ["TM-3", "---Moor", str(today - timedelta(days=1)), "Ada"]
    ]
    assert await rows("sprint_progress", project="TM") == [
        ["Spring tide", "planned", str(sprint.start_date), str(sprint.end_date), 1, 1, 2, 2]
    ]
    assert await rows("stale_items", project="TM") == []
    assert await rows("workload", project="TM") == [["Ada", ada, 2, 3]]

    world.clock.advance(15 * _DAY)

    assert await rows("done_items", project="TM") == []
    assert len(await rows("done_items", project="TM", days=16)) == 1
    assert await rows("stale_items", project="TM", days=16) == []
    assert await rows("stale_items", project="TM") == [
        ["TM-1", "Dredge", "in_progress", begun, "Ada"]
    ]
    first = await _ask(world, "items_by_status", {"project": "TM"}, limit=2)
    assert (len(first.rows), first.has_more) == (2, True)


async def test_named_queries_integration_say_what_is_wrong(world: BoardWorld) -> None:
    project = await world.a_project()
    item = await world.an_item()
    stranger = world.an_actor(await a_tenant(world.stores))

    with pytest.raises(QueryNotFound, match="Did you mean workload"):
        await _ask(world, "workloads", {})
    wrong: tuple[tuple[Mapping[str, str | int], str], ...] = (
        ({}, "Give project"),
        ({"project": 7}, "project's key"),
        ({"project": "TM", "day": 3}, "Did you mean days"),
        ({"project": "TM", "days": "3"}, "1 to 365"),
        ({"project": "TM", "days": 366}, "1 to 365"),
        ({"project": "x" * 65}, "project's key"),
    )
    for given, told in wrong:
        with pytest.raises(InvalidQueryParameter, match=told):
            await _ask(world, "stale_items", given)
    for reference in ("SEA", "' OR 1=1 --", project.id[:-1] + "x"):
        with pytest.raises(ProjectNotFound):
            await _ask(world, "workload", {"project": reference})
    for name, param, id_ in (("workload", "project", project.id), ("child_items", "item", item.id)):
        with pytest.raises((ProjectNotFound, WorkItemNotFound)) as refused:
            await world.queries.run(name, {param: id_}, limit=50, actor=stranger)
        assert refused.value.param == f"parameters.{param}"


async def test_named_queries_integration_are_listed_in_pages(world: BoardWorld) -> None:
    first = world.queries.list(PageRequest(limit=5))
    cursor_key = (first.items[-1].name,)
    rest = world.queries.list(PageRequest(limit=5, after=cursor_key))

    assert [query.name for query in (*first.items, *rest.items)] == sorted(QUERIES)
    assert (first.next_cursor is None, rest.next_cursor) == (False, None)
