"""Searches of a long history read indexes alone, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec
import pytest

from tests.conformance.control.test_search import found
from tests.fixtures.jobs import JobsWorld
from tests.fixtures.stores import StoreClock, a_tenant
from tidemill.core.ports import Tx
from tidemill.infrastructure.database import Stores, sql
from tidemill.jobs.contract import JobState
from tidemill.jobs.records.search.models import NEWEST, Among, JobFilter
from tidemill.jobs.records.search.repository import SearchRepository

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.full(reason="makes a history of 100,000 jobs in each database"),
]

jobs_made: Final = 100_000
rows_read_max: Final = 2_000
_COPIED: Final = """
    tenant_id, day, spec_id, due_at, created_at, attempts, rescues, epoch, finished_at,
    peak_memory_bytes, cpu_microseconds, args
"""
_MANY: Final = {
    "sqlite": f"""
        WITH RECURSIVE made (number) AS (
            SELECT 1 UNION ALL SELECT number + 1 FROM made WHERE number < :count
        )
        INSERT INTO job_history (id, state, {_COPIED})
        SELECT substr(id, 1, 24) || printf('%012x', number),
            CASE WHEN number = 777 THEN 'failed' ELSE 'succeeded' END, {_COPIED}
        FROM made CROSS JOIN job_history WHERE id = :model
    """,
    "postgres": f"""
        INSERT INTO job_history (id, state, {_COPIED})
        SELECT substr(id, 1, 24) || lpad(to_hex(number), 12, '0'),
            CASE WHEN number = 777 THEN 'failed' ELSE 'succeeded' END, {_COPIED}
        FROM generate_series(1, :count) AS made (number), job_history WHERE id = :model
    """,
}

_EXPLAIN: Final = {
    "sqlite": "EXPLAIN QUERY PLAN ",
    "postgres": "EXPLAIN (ANALYZE, FORMAT JSON) ",
}


class Explaining:
    """A transaction that keeps the plans of what is asked through it."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self.dialect = tx.dialect
        self.plans: list[str] = []

    def all(self, sql: str, /, **parameters: Any) -> Any:
        """Explain a query, then run it."""
        how = (
            "EXPLAIN QUERY PLAN " if self.dialect == "sqlite" else "EXPLAIN (ANALYZE, FORMAT JSON) "
        )
        rows = self._tx.all(how + sql, **parameters)
        if self.dialect == "sqlite":
            self.plans.append("\n".join(row[3] for row in rows))
        else:
            self.plans.append(_text(rows))
        return self._tx.all(sql, **parameters)


def _text(rows: Any) -> str:
    value = rows[0][0]
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _nodes(plan: Any) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)


def _wrong(dialect: str, plan: str) -> list[str]:
    """Return what a plan reads too much of."""
    if dialect == "sqlite":
        tables = ("jobs", "job_history", "job_labels")
        return [line for line in plan.splitlines() if line in {f"SCAN {name}" for name in tables}]
    nodes = list(_nodes(msgspec.json.decode(plan)[0]["Plan"]))
    return [
        f"{node['Node Type']} {node.get('Relation Name')} {node['Actual Rows']}"
        for node in nodes
        if (node["Node Type"] == "Seq Scan" and node.get("Relation Name", "").startswith("job_h")
        and node["Actual Loops"] and node.get("Plan Rows", 0) and node["Actual Rows"] > 1)
        or node["Actual Rows"] * node["Actual Loops"] > rows_read_max
        or node.get("Rows Removed by Filter", 0) * node["Actual Loops"] > rows_read_max
    ]  # fmt: skip


@pytest.fixture(scope="package")
async def long(
    shared: tuple[Stores, StoreClock], tmp_path_factory: pytest.TempPathFactory
) -> JobsWorld:
    """A tenant with 100,000 successes of one script, among them one failure, and a few others."""
    stores, clock = shared
    world = JobsWorld(stores, await a_tenant(stores), clock, tmp_path_factory.mktemp("long"))
    for path in ("many", "few"):
        await world.deploy(path=path)
    many = await world.a_job(script_path="many", args={"number": 1})
    await world.jobs.cancel_job(many.id, actor=world.actor)

    def copy(tx: Tx) -> None:
        tx.execute(_MANY[tx.dialect], count=jobs_made, model=many.id)

    await stores.jobs.write(world.tenant_id, copy)
    for _ in range(3):
        few = await world.a_job(script_path="few", args={"number": 1}, labels=("rare",), tag="few")
        await world.jobs.cancel_job(few.id, actor=world.actor)
    return world


@pytest.mark.parametrize(
    "wanted",
    [
        JobFilter(),
        JobFilter(path="few"),
        JobFilter(path="many"),
        JobFilter(path="many", state=JobState.FAILED),
        JobFilter(path="f*", state=JobState.CANCELLED),
        JobFilter(tag="few"),
        JobFilter(label="rare"),
        JobFilter(state=JobState.FAILED),
        JobFilter(state=JobState.SUCCEEDED),
        JobFilter(among=Among.DEAD),
        JobFilter(root_id="019c0000-0000-7000-8000-000000000000"),
        JobFilter(work_item_id="nothing"),
    ],
    ids=lambda wanted: wanted.digest.removeprefix("jobs:"),
)
async def test_search_of_a_long_history_reads_an_index(
    long: JobsWorld, wanted: JobFilter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql, "_ALLOWED", sql._ALLOWED | {"EXPLAIN"})
    explaining: list[Explaining] = []

    def use_case(tx: Tx) -> None:
        explaining.append(Explaining(tx))
        page: Any = explaining[0]
        SearchRepository().page(page, wanted, before=NEWEST, limit=51)

    await long.stores.jobs.read(long.tenant_id, use_case)

    [asked] = explaining
    wrong = [line for plan in asked.plans for line in _wrong(asked.dialect, plan)]
    assert wrong == []


async def test_search_of_a_long_history_finds_the_rare(long: JobsWorld) -> None:
    assert len(await found(long, path="few")) == 3
    assert len(await found(long, label="rare")) == 3
    assert len(await found(long, path="many", state=JobState.FAILED)) == 1
