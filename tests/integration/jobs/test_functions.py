"""Functions of the operator's own program over plain HTTP, with a real worker that has them."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fixtures.app import App, make_app
from tests.fixtures.library import ROOT
from tests.fixtures.server import WORKER_ROLE
from tests.integration.jobs.workers import finished

pytestmark = pytest.mark.anyio
MODULE = "tests.fixtures.shop"


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    """An application that no worker has come to."""
    async with make_app(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
async def busy(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    async with make_app(tmp_path_factory.mktemp("functions")) as made, a_worker(made):
        yield made


@pytest.fixture
async def mill(busy: App) -> App:
    """A tenant of the test's own, whose jobs a worker runs."""
    return await busy.in_new_tenant()


@asynccontextmanager
async def a_worker(app: App) -> AsyncIterator[None]:
    data = app.application.config.server.data_dir
    worker = await asyncio.create_subprocess_exec(
        *WORKER_ROLE, "--data-dir", str(data), "--set", f"worker.app={MODULE}",
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=sys.stderr,
    )  # fmt: skip
    try:
        await _until_registered(app)
        yield
    finally:
        worker.terminate()
        await asyncio.wait_for(worker.wait(), 60)


async def start(app: App, name: str, **args: Any) -> httpx.Response:
    body = {"function": f"{MODULE}:{name}", "args": args}
    return await app.owner.post("/api/v1/jobs", json=body)


async def result_of(app: App, job: httpx.Response) -> dict[str, Any]:
    assert job.status_code == 201, job.text
    return await finished(app, job.json()["id"])


async def test_functions_integration_run_in_the_worker(mill: App) -> None:
    doubled = await start(mill, "double", number=21)
    spoken = await start(mill, "speak_in_thread", word="land")
    failed = await start(mill, "fail", message="no tide")

    assert doubled.json()["function"] == f"{MODULE}:double"
    assert doubled.json()["isolation"] == "function"
    assert (await result_of(mill, doubled))["result"] == 42
    assert (await result_of(mill, spoken))["state"] == "succeeded"
    log = await mill.owner.get(f"/api/v1/jobs/{spoken.json()['id']}/logs")
    assert "INFO land" in log.text
    assert (await result_of(mill, failed))["error"]["type"] == "ValueError"
    listed = (await mill.owner.get("/api/v1/jobs")).json()["items"]
    assert {job["function"] for job in listed} == {
        f"{MODULE}:{name}" for name in ("double", "speak_in_thread", "fail")
    }


async def test_functions_integration_are_named_in_the_audit_log(mill: App) -> None:
    job = await start(mill, "double", number=21)
    async with asyncio.timeout(60):
        while not (line := await _audit_line(mill, job)):  # noqa: ASYNC110
            await asyncio.sleep(0.05)

    assert line["after"]["function"] == f"{MODULE}:double"


async def test_functions_integration_are_checked_before_a_job_is_made(mill: App) -> None:
    unknown = await start(mill, "duoble", number=1)
    wrong = await start(mill, "double", number="x")
    missing = await start(mill, "double")
    isolated = await mill.owner.post(
        "/api/v1/jobs", json={"function": f"{MODULE}:double", "isolation": "sandbox"}
    )
    silent = await mill.owner.post(
        "/api/v1/jobs",
        json={
            "function": f"{MODULE}:double",
            "args": {"number": 1},
            "limits": {"heartbeat_timeout_seconds": 600},
        },
    )

    assert silent.json()["error"]["param"] == "limits.heartbeat_timeout_seconds"
    assert unknown.status_code == 404
    assert unknown.json()["error"]["code"] == "FUNCTION_NOT_FOUND"
    assert f"Did you mean '{MODULE}:double'?" in unknown.json()["error"]["message"]
    assert wrong.status_code == 422
    assert wrong.json()["error"]["param"] == "args.number"
    assert missing.json()["error"]["message"].startswith(
        "args.number: the function needs this argument (integer)"
    )
    assert isolated.json()["error"]["param"] == "isolation"
    assert (await mill.owner.get("/api/v1/jobs")).json()["items"] == []


async def test_functions_integration_priority_is_theirs_unless_another_is_said_also_0(
    mill: App,
) -> None:
    hurry = {"function": f"{MODULE}:hurry"}
    silent = await mill.owner.post("/api/v1/jobs", json=hurry)
    said = await mill.owner.post("/api/v1/jobs", json={**hurry, "priority": 0})
    batch = await mill.owner.post("/api/v1/jobs/batch", json={"jobs": [{**hurry, "priority": 0}]})
    rerun = await mill.owner.post(f"/api/v1/jobs/{silent.json()['id']}/rerun", json={"priority": 0})
    again = await mill.owner.post(f"/api/v1/jobs/{said.json()['id']}/rerun", json={})

    assert [job.json()["priority"] for job in (silent, said, rerun, again)] == [7, 0, 0, 0]
    batched = batch.json()["jobs"][0]["id"]
    in_batch = await mill.owner.get(f"/api/v1/jobs/{batched}")
    assert in_batch.json()["priority"] == 0
    assert [await _scheduled(mill, hurry, more) for more in ({}, {"priority": 0})] == [7, 0]


async def test_functions_integration_unknown_without_a_worker(app: App) -> None:
    answer = await start(app, "double", number=1)

    assert answer.json()["error"]["code"] == "FUNCTION_NOT_FOUND"


async def test_functions_integration_wait_for_a_worker_that_has_them(app: App) -> None:
    async with a_worker(app):
        pass
    job = await start(app, "double", number=1)

    async with asyncio.timeout(60):
        # Until its lease is over, the worker that has just left may count as connected.
        while "No worker is connected" not in await _waiting_for(app, job):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_functions_integration_are_listed_in_pages(mill: App) -> None:
    first = (await mill.owner.get("/api/v1/functions?limit=1")).json()
    rest = (
        await mill.owner.get("/api/v1/functions", params={"cursor": first["next_cursor"]})
    ).json()

    names = [function["name"] for function in (*first["items"], *rest["items"])]
    assert names == sorted(names)
    assert f"{MODULE}:double" in names
    assert len(names) > 10
    assert first["items"][0]["schema"]["type"] == "object"


async def _scheduled(app: App, *said: dict[str, Any]) -> int:
    """Return the priority of a job of a schedule that says this."""
    body = {"path": f"hurry-{len(said[1])}", "trigger": {"cron": "0 6 1 1 *"}}
    for one in said:
        body.update(one)
    made = await app.owner.post("/api/v1/schedules", json=body)
    assert made.json()["priority"] == body.get("priority"), made.text
    run = await app.owner.post(f"/api/v1/schedules/{made.json()['id']}/run-now", json={})
    url = f"/api/v1/schedules/{made.json()['id']}/occurrences/{run.json()['id']}"
    async with asyncio.timeout(60):
        while (job_id := (await app.owner.get(url)).json()["job_id"]) is None:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return int((await app.owner.get(f"/api/v1/jobs/{job_id}")).json()["priority"])


async def _audit_line(app: App, job: httpx.Response) -> dict[str, Any]:
    lines = (await app.owner.get("/api/v1/audit-events")).json()["items"]
    wanted = f"job:{job.json()['id']}"
    return next((line for line in lines if line["resource"] == wanted), {})


async def _waiting_for(app: App, job: httpx.Response) -> str:
    view = (await app.owner.get(f"/api/v1/jobs/{job.json()['id']}")).json()
    return view["waiting_for"] or ""


async def _until_registered(app: App) -> None:
    async with asyncio.timeout(60):
        while not (await app.owner.get("/api/v1/functions")).json()["items"]:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
