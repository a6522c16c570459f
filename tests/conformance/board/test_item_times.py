"""Since when items are worked on and done, on every kind of store and for items of old."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import asyncpg
import pytest

from tests.fixtures.board import BoardWorld
from tests.fixtures.run import unique_name
from tidemill.board.work_items.models import WorkItemChanges
from tidemill.core.clock import Instant
from tidemill.core.ports import StoreKind
from tidemill.infrastructure.database.migrations import Migration, discover
from tidemill.infrastructure.database.postgres.migrating import upgrade_schema
from tidemill.infrastructure.database.sqlite.migrating import upgrade_connection

pytestmark = pytest.mark.anyio

_PROJECT = """
    INSERT INTO projects (tenant_id, id, key, name, next_item_number, version, created_at,
        created_by, updated_at, updated_by)
    VALUES ('t', 'p', 'TM', 'Tide', 1, 1, 1, 'u', 1, 'u')
"""
_ITEM = """
    INSERT INTO work_items (tenant_id, id, project_id, number, item_type, title, status, priority,
        rank, version, created_at, created_by, updated_at, updated_by)
    VALUES ('t', '{id}', 'p', {number}, 'task', 'x', '{status}', 'low', '{id}', 1, 1, 'u', 1, 'u')
"""
_ACTIVITY = """
    INSERT INTO activities (tenant_id, work_item_id, version, field, action, new_value, at,
        actor_kind, actor_id)
    VALUES ('t', '{id}', {version}, 'status', 'updated', '{status}', {at}, 'user', 'u')
"""
# The status that each item was made in and those that it went through, at 20, 30, 40, …
_PATHS = {
    "a": ("backlog", "in_progress", "review", "done"),
    "b": ("backlog", "in_progress", "todo"),
    "c": ("backlog", "in_progress", "done", "review", "done"),
    "d": ("done",),
    "e": ("review",),
    "f": ("todo", "done", "cancelled"),
}
_TIMES = {
    "a": (20, 40),
    "b": (None, None),
    "c": (20, 50),
    "d": (None, 1),
    "e": (1, None),
    "f": (None, 20),
}
_READ = "SELECT id, started_at, completed_at FROM work_items ORDER BY id"


async def test_item_times_integration_follow_the_status(world: BoardWorld) -> None:
    await world.a_project()
    item = await world.an_item()
    made_done = await world.an_item(status="done")

    started = await world.items.change(
        item.key, WorkItemChanges(status="in_progress"), actor=world.actor
    )
    done = await world.items.change(item.key, WorkItemChanges(status="done"), actor=world.actor)
    again = await world.items.change(item.key, WorkItemChanges(status="todo"), actor=world.actor)

    assert (item.started_at, item.completed_at) == (None, None)
    assert (made_done.started_at, made_done.completed_at) == (None, made_done.created_at)
    assert (started.started_at, started.completed_at) == (started.updated_at, None)
    assert (done.started_at, done.completed_at) == (started.updated_at, done.updated_at)
    assert (again.started_at, again.completed_at) == (None, None)
    await world.import_text("title,status\nSound,closed\n")
    imported = await world.reads.get("TM-3", actor=world.actor)
    assert imported.completed_at == imported.created_at


def _statements() -> list[str]:
    made = [_PROJECT]
    for number, (id_, path) in enumerate(_PATHS.items()):
        made.append(_ITEM.format(id=id_, number=number, status=path[-1]))
        made += [
            _ACTIVITY.format(id=id_, version=version, status=status, at=version * 10)
            for version, status in enumerate(path[1:], start=2)
        ]
    return made


def _before(dialect: str) -> list[Migration]:
    names = [one for one in discover(dialect, StoreKind.TENANT) if one.name == "times"]
    return [one for one in discover(dialect, StoreKind.TENANT) if one.version < names[0].version]


def test_item_times_of_old_items_on_sqlite_come_from_their_activities(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "x.db", isolation_level=None)) as connection:
        upgrade_connection(connection, StoreKind.TENANT, Instant(1), _before("sqlite"))
        for statement in _statements():
            connection.execute(statement)
        upgrade_connection(connection, StoreKind.TENANT, Instant(1))

        assert {row[0]: row[1:] for row in connection.execute(_READ)} == _TIMES


async def test_item_times_of_old_items_on_postgres_come_from_their_activities(
    postgres_url: str,
) -> None:
    connection = await asyncpg.connect(postgres_url)
    schema = unique_name("times")
    try:
        before = _before("postgres")
        await upgrade_schema(connection, StoreKind.TENANT, schema, Instant(1), migrations=before)
        await connection.execute(f'SET search_path = "{schema}"')
        for statement in _statements():
            await connection.execute(statement)
        await upgrade_schema(connection, StoreKind.TENANT, schema, Instant(1))
        await connection.execute(f'SET search_path = "{schema}"')

        rows = await connection.fetch(_READ)
        assert {row[0]: (row[1], row[2]) for row in rows} == _TIMES
    finally:
        await connection.execute(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE')
        await connection.close()
