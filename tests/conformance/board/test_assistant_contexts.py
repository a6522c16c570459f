"""What an assistant may know of the board, against what there is."""

from __future__ import annotations

import re

import pytest

from tests.fixtures.board import BoardWorld
from tidemill.board.assistant_contexts.models import ContextEntry, ContextFilter, ContextType
from tidemill.board.assistant_contexts.repository import live_columns
from tidemill.board.assistant_contexts.tables import KEPT_BACK, TABLES
from tidemill.board.filters.parsing import parse
from tidemill.board.module import told_routes
from tidemill.board.named_queries.statements import QUERIES
from tidemill.core.pages import PageRequest

pytestmark = pytest.mark.anyio

_ALL = PageRequest(limit=200)


async def _entries(
    world: BoardWorld, page: PageRequest = _ALL, **wanted: object
) -> list[ContextEntry]:
    found = await world.contexts.list(
        ContextFilter(**wanted),  # type: ignore[arg-type]
        page,
        actor=world.actor,
    )
    return found.items


async def test_contexts_integration_tell_the_columns_that_there_are(world: BoardWorld) -> None:
    # pm.md 2.9, defect 13: entries named columns that the tables lacked.
    live = await world.stores.tenants.read(world.tenant_id, live_columns)

    for table, columns in live.items():
        known = {"tenant_id", *TABLES[table], *KEPT_BACK.get(table, ())}
        assert set(columns) == known, f"say in assistant_contexts/tables.py what {table} holds"
    for table in TABLES:
        (entry,) = await _entries(world, category=table, context_type=ContextType.SCHEMA_DOC)
        told = re.findall(r"^- (\w+): ", entry.content, re.MULTILINE)
        assert told == [name for name in live[table] if name in TABLES[table]]
        await world.rows(f"SELECT {', '.join(told)} FROM {table} WHERE tenant_id = :tenant_id")


async def test_contexts_integration_tell_what_the_code_goes_by(world: BoardWorld) -> None:
    found = await _entries(world)

    text = "\n".join(entry.content for entry in found)
    for method, path, summary in told_routes():
        assert f"- {method} /api/v1{path}: {summary}" in text
    queries = [one for one in found if one.context_type is ContextType.QUERY_PATTERN]
    assert {one.title: one.example_sql for one in queries} == {
        name: query.sql.strip() for name, query in QUERIES.items()
    }
    await world.a_project()
    await world.an_item()
    (examples,) = await _entries(world, context_type=ContextType.EXAMPLE)
    filters = re.findall(r"^- (.+?): [A-Z]", examples.content, re.MULTILINE)
    assert len(filters) > 10
    for one in filters:
        parse(one)
    for table, word in (("work_items", "deleted_at"), ("comments", "content")):
        assert any(one.category == table and word in one.content for one in found)


async def test_contexts_integration_are_listed_by_priority_in_pages(world: BoardWorld) -> None:
    everything = await _entries(world)
    first = await world.contexts.list(ContextFilter(), PageRequest(limit=7), actor=world.actor)
    rest = await _entries(world, PageRequest(limit=200, after=(7,)))

    assert first.next_cursor is not None
    assert [*first.items, *rest] == everything
    priorities = [entry.priority for entry in everything]
    assert priorities == sorted(priorities, reverse=True)
    assert len({entry.id for entry in everything}) == len(everything)
    rules = await _entries(world, min_priority=80, category="work_items")
    assert {one.context_type for one in rules} == {
        ContextType.SCHEMA_DOC,
        ContextType.BUSINESS_RULE,
    }
