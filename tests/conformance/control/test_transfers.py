"""The queue as lines of JSON, on both databases."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.fixtures.endings import a_past_job
from tests.fixtures.jobs import JobsWorld
from tests.fixtures.stores import a_tenant
from tidemill.core.actor import Actor
from tidemill.jobs.contract import JobState
from tidemill.jobs.control_errors import JobImportRefused
from tidemill.jobs.steering.transfers import service
from tidemill.jobs.steering.transfers.models import JobImportReport, Line
from tidemill.jobs.steering.transfers.schemas import request_of
from tidemill.jobs.steering.transfers.service import TransferService

pytestmark = pytest.mark.anyio


@pytest.fixture
def transfers(world: JobsWorld) -> TransferService:
    return TransferService(world.stores.jobs, world.jobs)


async def exported(transfers: TransferService, actor: Actor, *, history: bool = False) -> bytes:
    pages = [page async for page in transfers.export(history=history, actor=actor)]
    return b"".join(msgspec.json.encode(line) + b"\n" for page in pages for line in page)


async def imported(
    transfers: TransferService, body: bytes, actor: Actor, *, dry_run: bool = False
) -> JobImportReport:
    return await transfers.import_lines(body, request_of, dry_run=dry_run, actor=actor)


async def open_jobs(world: JobsWorld, actor: Actor) -> list[tuple[Any, ...]]:
    def rows(tx: Any) -> list[tuple[Any, ...]]:
        sql = """
            SELECT COALESCE(key, id), state, due_at, args, labels, tag FROM jobs
            WHERE tenant_id = :tenant_id ORDER BY position
        """
        return [tuple(row) for row in tx.all(sql)]

    return await world.stores.jobs.read(actor.tenant_id, rows)


async def test_a_queue_moves_to_another_tenant_as_it_is(
    world: JobsWorld, transfers: TransferService
) -> None:
    later = world.clock.now() + 3_600_000_000
    first = await world.a_job(labels=("a", "b"), priority=4, id="mine", run_at=later)
    second = await world.a_job(run_at=later)
    there = world.an_actor(await a_tenant(world.stores))
    lines = await exported(transfers, world.actor)

    report = await imported(transfers, lines, there)

    assert (report.lines, report.imported, report.known) == (2, 2, 0)
    assert await open_jobs(world, there) == await open_jobs(world, world.actor)
    moved = await world.jobs.get("mine", actor=there)
    assert (moved.priority, moved.key) == (4, first.key)
    assert (await world.jobs.get(second.id, actor=there)).key == second.id


async def test_lines_that_come_twice_make_nothing_double(
    world: JobsWorld, transfers: TransferService
) -> None:
    await world.a_job()
    await world.a_job(id="mine")
    there = world.an_actor(await a_tenant(world.stores))
    lines = await exported(transfers, world.actor)
    await imported(transfers, lines, there)

    again = await imported(transfers, lines, there)
    home = await imported(transfers, lines, world.actor)

    assert (again.imported, again.known) == (0, 2)
    assert (home.imported, home.known) == (0, 2)
    assert len(await open_jobs(world, there)) == 2


async def test_a_dry_run_imports_nothing(world: JobsWorld, transfers: TransferService) -> None:
    await world.a_job()
    there = world.an_actor(await a_tenant(world.stores))

    report = await imported(transfers, await exported(transfers, world.actor), there, dry_run=True)

    assert (report.imported, report.dry_run) == (1, True)
    assert await open_jobs(world, there) == []


async def test_history_is_exported_with_results_and_not_imported(
    world: JobsWorld, transfers: TransferService
) -> None:
    past = await a_past_job(world, JobState.SUCCEEDED, tag=f"past-{world.tenant_id}")
    await world.a_job()
    there = world.an_actor(await a_tenant(world.stores))

    lines = await exported(transfers, world.actor, history=True)
    report = await imported(transfers, lines, there)

    read = [msgspec.json.decode(line, type=Line) for line in lines.splitlines()]
    [done] = [line for line in read if line.finished_at]
    assert (done.job["id"], done.state, done.attempts) == (past.id, JobState.SUCCEEDED, 1)
    assert (report.imported, report.skipped) == (1, 1)


@pytest.mark.each_database(reason="statements differ")
async def test_an_export_holds_no_more_than_a_few_long_jobs_at_once(
    world: JobsWorld, transfers: TransferService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "page_bytes", 25_000)
    tag = f"long-{world.tenant_id}"
    code = "def main(text: str): pass\n"
    for length in (10_000, 10_000, 10_000, 60_000, 10, 10):
        await world.a_job(content=code, args={"text": "ü" * (length // 2)}, tag=tag)
    for _ in range(2):
        await a_past_job(world, tag=f"{tag}-past", content=code, args={"text": "x" * 20_000})

    pages = [page async for page in transfers.export(history=True, actor=world.actor)]

    assert [len(page) for page in pages] == [2, 1, 1, 2, 1, 1]
    ids = [line.job["id"] for page in pages for line in page]
    assert ids == [*sorted(ids[:6]), *sorted(ids[6:])]


async def test_wrong_lines_are_all_named_and_nothing_is_imported(
    world: JobsWorld, transfers: TransferService
) -> None:
    await world.a_job()
    good = await exported(transfers, world.actor)
    there = world.an_actor(await a_tenant(world.stores))
    wrong = [
        b"no json",
        b'{"format":1,"state":"queued","job":{"id":"\xff"}}',
        b'{"format":1,"state":"queued","job":{"id":' + b"[" * 5_000 + b"]" * 5_000 + b"}}",
        b'{"format":9,"state":"queued","job":{"id":"a"}}',
        b'{"format":1,"state":"queued","job":{"tag":"a"}}',
        b'{"format":1,"state":"queued","job":{"id":"b","unknown":1}}',
        b'{"format":1,"state":"queued","job":{"id":"c","script_path":"nobody"}}',
    ]

    with pytest.raises(JobImportRefused) as refused:
        await imported(transfers, good + b"\n".join(wrong), there)

    errors = [(one.line, one.code) for one in refused.value.errors]
    assert errors == [
        *((line, "JOB_LINE_UNREADABLE") for line in range(2, 8)),
        (8, "SCRIPT_NOT_FOUND"),
    ]
    assert await open_jobs(world, there) == []


@pytest.mark.parametrize(
    ("job", "param"),
    [({"id": "a\0"}, "job.id"), ({"id": "a", "args": {"b": ["\0"]}}, "job.args.b")],
)
async def test_a_line_with_a_nul_is_refused_with_its_number(
    world: JobsWorld, transfers: TransferService, job: dict[str, Any], param: str
) -> None:
    code = {"language": "python", "content": "def main(): ..."}
    body = msgspec.json.encode({"format": 1, "state": "queued", "job": {**code, **job}})

    with pytest.raises(JobImportRefused) as refused:
        await imported(transfers, b"\n" + body, world.actor)

    assert [(one.line, one.param) for one in refused.value.errors] == [(2, param)]
