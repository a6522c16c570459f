"""Scripts and jobs by plain HTTP, with a real worker process beside the application."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fixtures.app import App, error, make_app
from tests.fixtures.jobs import spoken_worker
from tests.integration.jobs.workers import a_worker, finished
from tidemill.core.config.sections.working import Isolation, Jobs

pytestmark = pytest.mark.anyio

TIDE = """
def main(station: str, days: int = 3, detail: bool = False) -> dict:
    print(f"reading {station}")
    return {"station": station, "days": days}
"""


def an_app(directory: Path) -> AbstractAsyncContextManager[App]:
    return make_app(directory, jobs=Jobs(isolation_default=Isolation.FORK))


@pytest.fixture(scope="module")
async def idle(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    """An application without a worker: what is started in it waits."""
    async with an_app(tmp_path_factory.mktemp("idle")) as made:
        yield made


@pytest.fixture(scope="module")
async def busy(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    async with an_app(tmp_path_factory.mktemp("busy")) as made, a_worker(made):
        yield made


@pytest.fixture(scope="module")
async def door(idle: App) -> App:
    """A tenant with a script and an archived one, in which no test makes anything."""
    made = await idle.in_new_tenant()
    for path in ("tides/read", "old/gone"):
        assert (await deploy(made, path=path)).status_code == 201
    assert (await made.owner.delete("/api/v1/scripts/old/gone")).status_code == 204
    return made


@pytest.fixture
async def app(idle: App) -> App:
    """A tenant of the test's own, whose jobs wait."""
    return await idle.in_new_tenant()


@pytest.fixture
async def own(tmp_path: Path) -> AsyncIterator[App]:
    """An application whose worker is the test's own."""
    async with an_app(tmp_path) as made:
        yield made


@pytest.fixture
async def mill(busy: App) -> App:
    """A tenant of the test's own, whose jobs a worker runs."""
    return await busy.in_new_tenant()


async def deploy(app: App, content: str = TIDE, path: str = "tides/read") -> httpx.Response:
    body = {"path": path, "language": "python", "content": content}
    return await app.owner.post("/api/v1/scripts", json=body)


async def start(app: App, **body: Any) -> httpx.Response:
    return await app.owner.post("/api/v1/jobs", json=body)


async def test_scripts_integration_deploy_run_and_read(mill: App) -> None:
    """Q32."""
    deployed = await deploy(mill)
    assert deployed.status_code == 201, deployed.text
    schema = deployed.json()["schema"]
    assert schema["required"] == ["station"]
    assert schema["properties"]["days"] == {"type": "integer", "default": 3}

    started = await start(mill, script_path="tides/read", args={"station": "Cuxhaven"})
    assert started.status_code == 201, started.text
    job = started.json()
    assert job["state"] == "queued"
    ended = await finished(mill, job["id"])
    assert ended["state"] == "succeeded", ended
    assert ended["result"] == {"station": "Cuxhaven", "days": 3}
    shown = (await mill.owner.get(f"/api/v1/jobs/{job['id']}")).json()
    logs = (await mill.owner.get(f"/api/v1/jobs/{job['id']}/logs")).json()
    never = await mill.owner.get(f"/api/v1/jobs/{job['id']}/logs", params={"attempt": 9})
    workers = (await mill.owner.get("/api/v1/workers")).json()["items"]

    assert never.status_code == 404
    assert never.json()["error"]["code"] == "ATTEMPT_NOT_FOUND"
    assert never.json()["error"]["message"].endswith("has no attempt 9; its last is 1.")
    assert (shown["state"], shown["attempts"], shown["worker_id"]) == ("succeeded", 1, "worker-1")
    assert logs["text"] == "reading Cuxhaven\n"
    assert logs["complete"] is True
    assert [worker["id"] for worker in workers] == ["worker-1"]


async def test_jobs_integration_inline_code_fails_with_its_traceback(mill: App) -> None:
    job = await start(
        mill, language="python", content="def main():\n    raise ValueError('no tide')\n"
    )
    ended = await finished(mill, job.json()["id"])

    assert ended["state"] == "failed"
    assert ended["error"]["type"] == "ValueError"
    assert "no tide" in ended["error"]["message"]
    assert "line 2" in ended["error"]["traceback"]


async def test_bash_integration_that_does_not_parse_is_refused_at_the_door(door: App) -> None:
    content = "echo rising\nfor tide in low high; do\n  echo $tide\nfi\n"

    deployed = await door.owner.post(
        "/api/v1/scripts", json={"path": "tides/list", "language": "bash", "content": content}
    )
    started = await start(door, language="bash", content=content)

    for answer in (deployed, started):
        assert error(answer) == (422, "SCRIPT_INVALID", "content")
        assert "Line 4" in answer.json()["error"]["message"]
        assert "unexpected token `fi'" in answer.json()["error"]["message"]


async def test_attempts_integration_a_long_error_is_whole_at_one_of_them(mill: App) -> None:
    content = "def main():\n    raise ValueError('no tide ' * 1000)\n"
    job = (await start(mill, language="python", content=content)).json()
    await finished(mill, job["id"])

    url = f"/api/v1/jobs/{job['id']}/attempts"
    (listed,) = (await mill.owner.get(url)).json()["items"]
    whole = (await mill.owner.get(f"{url}/1")).json()
    shown = (await mill.owner.get(f"/api/v1/jobs/{job['id']}")).json()
    never = [await mill.owner.get(f"{url}/{attempt}") for attempt in (0, 2, 10**30)]
    assert listed["error_truncated"] is True
    assert len(listed["error"]["message"]) == 500
    assert (whole["error"], whole["error_truncated"]) == (shown["error"], False)
    assert len(whole["error"]["message"]) == 8_000
    assert {error(answer)[:2] for answer in never} == {(404, "ATTEMPT_NOT_FOUND")}


async def test_jobs_integration_bash_takes_its_arguments(mill: App) -> None:
    content = 'name="$1"\necho "hello $name"\n'
    job = await start(mill, language="bash", content=content, args={"name": "mill"})
    ended = await finished(mill, job.json()["id"])

    assert (ended["state"], ended["result"]) == ("succeeded", "hello mill")


async def test_jobs_integration_logs_stream_live_and_resume(own: App) -> None:
    content = (
        "import time\ndef main():\n    for n in range(3):\n"
        "        print('line', n, flush=True)\n        time.sleep(0.05)\n"
    )
    # The worker comes while the stream is open, or the job might be over before.
    async with a_worker(own):
        job = (await start(own, language="python", content=content)).json()
        headers = {"Accept": "text/event-stream"}
        url = f"/api/v1/jobs/{job['id']}/logs"
        stream = await own.owner.get(url, headers=headers, timeout=60)
        events = _events(stream.text)
        seen = events[0][0]
        resumed = await own.owner.get(url, headers={**headers, "Last-Event-ID": seen}, timeout=60)

    assert stream.headers["content-type"].startswith("text/event-stream")
    assert "content-encoding" not in stream.headers, "what is compressed does not come at once"
    assert "".join(data.get("text", "") for _, _, data in events) == "line 0\nline 1\nline 2\n"
    assert (events[-1][1], events[-1][2]["state"]) == ("end", "succeeded")
    rest = _events(resumed.text)
    first = events[0][2]["text"]
    assert first + "".join(data.get("text", "") for _, _, data in rest) == (
        "line 0\nline 1\nline 2\n"
    )


async def test_jobs_integration_cancel_stops_a_running_job(mill: App) -> None:
    job = (await start(mill, language="bash", content="echo on; sleep 60")).json()
    await _until(lambda: _is_running(mill, job["id"]))
    cancelled = await mill.owner.post(f"/api/v1/jobs/{job['id']}/cancel")
    ended = await finished(mill, job["id"])
    again = await mill.owner.post(f"/api/v1/jobs/{job['id']}/cancel")

    assert cancelled.status_code == again.status_code == 200
    assert ended["state"] == again.json()["state"] == "cancelled"


async def test_jobs_integration_a_work_item_shows_its_job(mill: App) -> None:
    project = (await mill.owner.post("/api/v1/projects", json={"key": "TM", "name": "Mill"})).json()
    body = {"project_id": project["id"], "item_type": "task", "title": "Read the tides"}
    item = (await mill.owner.post("/api/v1/work-items", json=body)).json()
    job = (
        await start(
            mill,
            language="python",
            content="def main():\n    return 7\n",
            work_item_id=item["id"],
        )
    ).json()
    await finished(mill, job["id"])
    shown = await _until(lambda: _ended_on(mill, item["id"]))

    assert (shown["id"], shown["result"]) == (job["id"], 7)
    missing = await start(
        mill, language="bash", content="true", work_item_id="018f0000-0000-7000-8000-000000000000"
    )
    assert missing.status_code == 404


@pytest.mark.parametrize(
    ("body", "status", "code", "param"),
    [
        ({}, 400, "JOB_UNCLEAR", "script_path"),
        ({"content": "true"}, 400, "JOB_UNCLEAR", "language"),
        ({"script_path": "no/such"}, 404, "SCRIPT_NOT_FOUND", "script_path"),
        ({"language": "cobol", "content": "x"}, 400, "UNKNOWN_LANGUAGE", "language"),
        ({"language": "python", "content": "x = ("}, 422, "SCRIPT_INVALID", "content"),
        ({"tag": "No Tag"}, 400, "INVALID_JOB_FIELD", "tag"),
        ({"priority": 101}, 400, "INVALID_JOB_FIELD", "priority"),
        ({"timeout_seconds": 0}, 400, "INVALID_JOB_FIELD", "timeout_seconds"),
        ({"id": "../x"}, 400, "INVALID_JOB_FIELD", "id"),
        ({"isolation": "none"}, 400, "INVALID_JOB_FIELD", "isolation"),
        ({"args": {"x": "y" * 300_000}}, 413, "ARGUMENTS_TOO_LARGE", "args"),
        ({"script_path": "tides/read"}, 422, "ARGUMENTS_INVALID", "args.station"),
        (
            {"script_path": "tides/read", "args": {"station": 1}},
            422, "ARGUMENTS_INVALID", "args.station",
        ),
        (
            {"script_path": "tides/read", "args": {"station": "x", "tide": 1}},
            422, "ARGUMENTS_INVALID", "args.tide",
        ),
    ],
)  # fmt: skip
async def test_jobs_integration_a_wrong_request_is_told_its_field(
    door: App, body: dict[str, Any], status: int, code: str, param: str
) -> None:
    runs = {"content", "script_path"} & body.keys()
    whole = body if runs or not body else {"language": "bash", "content": "true", **body}

    answer = await start(door, **whole)

    assert error(answer) == (status, code, param)
    assert (await door.owner.get("/api/v1/jobs")).json()["items"] == []


@pytest.mark.parametrize(
    ("path", "told"),
    [("tides/raed", "Did you mean tides/read?"), ("old/gnoe", None), ("else/where", None)],
)
async def test_scripts_integration_a_wrong_path_is_told_the_nearest_in_use(
    door: App, path: str, told: str | None
) -> None:
    started = await start(door, script_path=path)
    shown = await door.owner.get(f"/api/v1/scripts/{path}")

    message = f"There is no script '{path}'." + (f" {told}" if told else "")
    assert started.json()["error"]["message"] == message
    assert shown.json()["error"]["message"] == message


async def test_jobs_integration_a_wrong_filter_is_told_by_its_name_in_the_query(door: App) -> None:
    answer = await door.owner.get("/api/v1/jobs", params={"state": "bogus"})

    assert error(answer) == (400, "VALIDATION_FAILED", "state")
    assert answer.json()["error"]["message"].startswith("state: 'bogus' is not one of scheduled,")


async def test_scripts_integration_a_syntax_error_names_line_and_column(door: App) -> None:
    refused = await deploy(door, "def main():\n    return (1\n")

    assert error(refused) == (422, "SCRIPT_INVALID", "content")
    assert refused.json()["error"]["message"].startswith("Line 2, column 12: ")
    shown = (await door.owner.get("/api/v1/scripts/tides/read")).json()
    assert (shown["version"], shown["content"]) == (1, TIDE)


async def test_scripts_integration_versions_form_a_chain(app: App) -> None:
    first = (await deploy(app)).json()
    same = (await deploy(app)).json()
    second = (await deploy(app, TIDE + "# more\n")).json()
    versions = (
        await app.owner.get("/api/v1/script-versions", params={"path": "tides/read"})
    ).json()["items"]
    listed = (await app.owner.get("/api/v1/scripts")).json()["items"]
    archived = await app.owner.delete("/api/v1/scripts/tides/read")

    assert (first["version"], same["version"], second["version"]) == (1, 1, 2)
    assert second["parent_hash"] == first["content_hash"]
    assert [version["version"] for version in versions] == [2, 1]
    assert [script["path"] for script in listed] == ["tides/read"]
    assert archived.status_code == 204
    assert (await app.owner.get("/api/v1/scripts")).json()["items"] == []
    run = await start(app, script_path="tides/read", args={"station": "x"})
    assert run.status_code == 404
    assert (await deploy(app)).json()["archived_at"] is None


async def test_jobs_integration_the_same_id_or_key_starts_one_job(app: App) -> None:
    body = {"language": "bash", "content": "true", "id": "nightly"}
    first, again = await start(app, **body), await start(app, **body)
    other = await start(app, **{**body, "content": "false"})
    headers = {"Idempotency-Key": "k1"}
    plain = {"language": "bash", "content": "true"}
    keyed = [await app.owner.post("/api/v1/jobs", json=plain, headers=headers) for _ in range(2)]

    assert (first.json()["id"], again.json()["id"]) == ("nightly", "nightly")
    assert error(other) == (409, "JOB_ID_TAKEN", "id")
    assert keyed[0].json()["id"] == keyed[1].json()["id"]
    assert (await app.owner.get("/api/v1/jobs/nightly")).json()["state"] == "queued"
    assert len((await app.owner.get("/api/v1/jobs")).json()["items"]) == 2


async def test_jobs_integration_a_job_waits_for_its_time_and_says_so(app: App) -> None:
    at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    later = (await start(app, language="bash", content="true", run_at=at)).json()
    now = (await start(app, language="bash", content="true")).json()

    pending = await app.owner.get(f"/api/v1/jobs/{now['id']}/result")
    shown = (await app.owner.get(f"/api/v1/jobs/{now['id']}")).json()
    scheduled = await app.owner.get("/api/v1/jobs", params={"state": "scheduled"})

    assert later["state"] == "scheduled"
    assert (pending.status_code, pending.json()["finished"]) == (202, False)
    assert "No worker is connected" in shown["waiting_for"]
    assert [job["id"] for job in scheduled.json()["items"]] == [later["id"]]


async def test_jobs_integration_a_weaker_isolation_needs_the_owners_consent(
    tmp_path: Path,
) -> None:
    async with make_app(tmp_path) as app:
        refused = await start(app, language="bash", content="true", isolation="fork")
        accepted = await start(app, language="bash", content="true")

    assert error(refused) == (422, "ISOLATION_NOT_ALLOWED", "isolation")
    assert accepted.json()["isolation"] == "sandbox"


async def test_jobs_integration_a_running_job_calls_the_api_as_its_starter(own: App) -> None:
    sockets = Path(own.application.config.server.data_dir) / "run" / "dispatcher"
    worker = await spoken_worker(sockets)
    await start(own, language="bash", content="true")
    assignment = await worker.assignment()
    job = own.client(assignment.token)

    allowed = await job.get("/api/v1/projects")
    forbidden = await job.post("/api/v1/api-tokens", json={"name": "x", "scopes": ["admin"]})
    await worker.end(assignment)
    await _until(lambda: _is_refused(job))
    await worker.leave()

    assert allowed.status_code == 200, allowed.text
    assert forbidden.status_code in {400, 403}


async def _until(condition: Callable[[], Awaitable[Any]]) -> Any:
    async with asyncio.timeout(60):
        while not (value := await condition()):  # noqa: ASYNC110 - HTTP has no events to wait for
            await asyncio.sleep(0.01)
        return value


async def _is_running(app: App, job_id: str) -> bool:
    state: str = (await app.owner.get(f"/api/v1/jobs/{job_id}")).json()["state"]
    return state == "running"


async def _ended_on(app: App, item_id: str) -> dict[str, Any] | None:
    shown: dict[str, Any] | None = (await app.owner.get(f"/api/v1/work-items/{item_id}")).json()[
        "job"
    ]
    return shown if shown is not None and shown["state"] == "succeeded" else None


async def _is_refused(client: httpx.AsyncClient) -> bool:
    return (await client.get("/api/v1/projects")).status_code == 401


def _events(text: str) -> list[tuple[str, str, dict[str, Any]]]:
    found = []
    for block in filter(None, text.split("\n\n")):
        fields = dict(line.split(": ", 1) for line in block.splitlines())
        if "event" in fields:  # What has none is a sign of life.
            found.append((fields["id"], fields["event"], json.loads(fields["data"])))
    return found
