"""The use case that is measured: what creating a work item does, with its fact and audit line."""

from __future__ import annotations

from typing import ClassVar

from tidemill.core.actor import system
from tidemill.core.facts import Fact, Topic, topic
from tidemill.core.ports import Tx

_PROJECTS = """
    CREATE TABLE bench_projects (
        tenant_id TEXT NOT NULL, id TEXT NOT NULL, number BIGINT NOT NULL,
        PRIMARY KEY (tenant_id, id)
    )
"""
_ITEMS = """
    CREATE TABLE bench_items (
        tenant_id TEXT NOT NULL, id TEXT NOT NULL, project_id TEXT NOT NULL,
        number BIGINT NOT NULL, title TEXT NOT NULL, description TEXT NOT NULL,
        created_at BIGINT NOT NULL,
        PRIMARY KEY (tenant_id, id), UNIQUE (tenant_id, project_id, number)
    )
"""
_ACTIVITIES = """
    CREATE TABLE bench_activities (
        tenant_id TEXT NOT NULL, id TEXT NOT NULL, item_id TEXT NOT NULL,
        change TEXT NOT NULL, at BIGINT NOT NULL,
        PRIMARY KEY (tenant_id, id)
    )
"""
_INDEX = "CREATE INDEX idx_bench_activities ON bench_activities (tenant_id, item_id, at)"
TABLES = (_PROJECTS, _ITEMS, _ACTIVITIES, _INDEX)
PROJECTS = 16

_PROJECT = "SELECT number FROM bench_projects WHERE tenant_id = :tenant_id AND id = :id"
_NEXT = (
    "UPDATE bench_projects SET number = number + 1 "
    "WHERE tenant_id = :tenant_id AND id = :id RETURNING number"
)
_ITEM = (
    "INSERT INTO bench_items (tenant_id, id, project_id, number, title, description, created_at) "
    "VALUES (:tenant_id, :id, :project_id, :number, :title, :description, :now)"
)
_ACTIVITY = (
    "INSERT INTO bench_activities (tenant_id, id, item_id, change, at) "
    "VALUES (:tenant_id, :id, :item_id, :change, :now)"
)
_READ = (
    "SELECT id, project_id, number, title, created_at FROM bench_items "
    "WHERE tenant_id = :tenant_id AND id = :id"
)
_ADD_PROJECT = "INSERT INTO bench_projects (tenant_id, id, number) VALUES (:tenant_id, :id, 0)"


class ItemCreated(Fact, frozen=True, kw_only=True):
    feature: ClassVar[str] = "bench"
    item_id: str
    project_id: str

    def topics(self) -> tuple[Topic, ...]:
        return (topic("project", self.project_id),)

    @property
    def subject(self) -> str:
        return self.item_id


def add_projects(tx: Tx) -> None:
    tx.execute_many(_ADD_PROJECT, [{"id": f"p{number}"} for number in range(PROJECTS)])


def create_item(tx: Tx, turn: int) -> str:
    """Five statements, a fact and an audit line."""
    project_id = f"p{turn % PROJECTS}"
    by = system("bench", tx.tenant_id)
    if tx.one(_PROJECT, id=project_id) is None:
        raise LookupError(project_id)
    row = tx.one(_NEXT, id=project_id)
    assert row is not None
    item_id = tx.new_id()
    tx.execute(
        _ITEM,
        id=item_id,
        project_id=project_id,
        number=row[0],
        title=f"Item {turn}",
        description="What is to be done, in a sentence or two. " * 4,
    )
    tx.execute(_ACTIVITY, id=tx.new_id(), item_id=item_id, change='{"created": true}')
    created = tx.one(_READ, id=item_id)
    assert created is not None
    tx.record(ItemCreated(item_id=item_id, project_id=project_id), by=by)
    tx.audit("bench.items.create", by=by, resource=f"item:{item_id}", after={"number": row[0]})
    return item_id


def read_item(tx: Tx, item_id: str) -> object:
    return tx.one(_READ, id=item_id)
