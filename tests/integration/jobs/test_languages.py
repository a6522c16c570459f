"""Every language by plain HTTP: refused at the door when wrong, run by a real worker when right."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.fixtures.app import App, make_app
from tests.integration.jobs.workers import a_worker, finished
from tidemill.core.config.sections.working import Isolation, Jobs

pytestmark = pytest.mark.anyio

TYPESCRIPT = """
export async function main(station: string, days = 3): Promise<{ station: string; days: number }> {
  console.info("reading", station);
  return { station, days };
}
"""
COUNTS = "count = 0\ndef main():\n    global count\n    count += 1\n    return count"
SQL = """
-- $database (sqlite)
-- $1 station (text)
-- $2 days (int) = 3
CREATE TABLE IF NOT EXISTS readings (station TEXT, days INTEGER);
INSERT INTO readings VALUES ($1, $2);
SELECT station, days FROM readings ORDER BY days
"""


@pytest.fixture(scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    data = tmp_path_factory.mktemp("languages")
    async with make_app(data, jobs=Jobs(isolation_default=Isolation.FORK)) as made:
        yield made


@pytest.fixture(scope="module")
async def port() -> AsyncIterator[int]:
    """The port of a server that answers with the first line of what it was asked."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        body = json.dumps({"asked": head.split(b"\r\n")[0].decode()}).encode()
        kind = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
        writer.write(kind + f"content-length: {len(body)}\r\n\r\n".encode() + body)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


@pytest.fixture(scope="module")
async def busy(shared: App, port: int) -> AsyncIterator[App]:
    async with a_worker(shared, f"127.0.0.1:{port}"):
        yield shared


@pytest.fixture
async def app(busy: App) -> App:
    """A tenant of the test's own, whose jobs a worker runs."""
    return await busy.in_new_tenant()


async def run(app: App, language: str, content: str, **args: Any) -> dict[str, Any]:
    """Deploy the script, run it by its path, and return how it ended."""
    body = {"path": f"tides/{language}", "language": language, "content": content}
    deployed = await app.owner.post("/api/v1/scripts", json=body)
    assert deployed.status_code == 201, deployed.text
    started = await app.owner.post(
        "/api/v1/jobs", json={"script_path": f"tides/{language}", "args": args}
    )
    assert started.status_code == 201, started.text
    return await finished(app, started.json()["id"])


async def test_languages_integration_run_typescript(app: App) -> None:
    ended = await run(app, "typescript", TYPESCRIPT, station="Cuxhaven")
    logs = (await app.owner.get(f"/api/v1/jobs/{ended['id']}/logs")).json()

    assert ended["result"] == {"station": "Cuxhaven", "days": 3}, ended
    assert logs["text"].endswith("Z INFO reading Cuxhaven\n")


async def test_languages_integration_run_sql(app: App) -> None:
    await run(app, "sql", SQL, database={"path": "tides.db"}, station="Husum", days=1)
    ended = await run(app, "sql", SQL, database={"path": "tides.db"}, station="'; DROP --")

    assert ended["result"]["rows"] == [
        {"station": "Husum", "days": 1},
        {"station": "'; DROP --", "days": 3},
    ], ended


async def test_languages_integration_run_http(app: App, port: int) -> None:
    document = {"url": f"http://127.0.0.1:{port}/stations/{{station}}"}

    ended = await run(app, "http", json.dumps(document), station="St. Peter/Ording")

    assert ended["state"] == "succeeded", ended
    assert ended["result"]["body"] == {"asked": "GET /stations/St.%20Peter%2FOrding HTTP/1.1"}


@pytest.mark.parametrize(
    ("language", "content", "code", "message"),
    [
        ("ts", TYPESCRIPT, "UNKNOWN_LANGUAGE", "Did you mean typescript?"),
        ("postgres", SQL, "UNKNOWN_LANGUAGE", "Did you mean sql?"),
        ("pyton", "def main(): pass", "UNKNOWN_LANGUAGE", "Did you mean python?"),
        ("typescript", "export function main(a: {", "SCRIPT_INVALID", "Line 1"),
        ("typescript", "function main() {}", "SCRIPT_INVALID", "exports a function main"),
        ("typescript", "import x from 'npm:left-pad'\nexport function main() {}",
         "SCRIPT_INVALID", "without a network"),
        ("sql", "SELECT $1", "SCRIPT_INVALID", "$1 is not declared"),
        ("sql", "-- $database (oracle)\nSELECT 1", "SCRIPT_INVALID", "oracle is no database"),
        ("sql", "SELECT 1;\nCOMMIT", "SCRIPT_INVALID", "Line 2"),
        ("http", "{", "SCRIPT_INVALID", "Line 1"),
        ("python", "#requirements:\n#rich\ndef main(): pass", "SCRIPT_INVALID", "PEP 723"),
        ("http", '{"url": "file:///etc/passwd"}', "SCRIPT_INVALID", "http://"),
        ("http", '{"url": "https://{host}/"}', "SCRIPT_INVALID", "written out"),
    ],
)  # fmt: skip
async def test_languages_integration_refuse_at_the_door(
    shared: App, language: str, content: str, code: str, message: str
) -> None:
    body = {"language": language, "content": content}

    answer = await shared.owner.post("/api/v1/jobs", json=body)

    error = answer.json()["error"]
    assert error["code"] == code
    assert message in error["message"]


@pytest.mark.parametrize(
    ("language", "content", "args", "param"),
    [
        ("typescript", TYPESCRIPT, {}, "args.station"),
        ("typescript", TYPESCRIPT, {"station": 1}, "args.station"),
        ("sql", SQL, {"station": "x", "days": "many"}, "args.days"),
        ("sql", "SELECT 1", {}, "args.database"),
        ("sql", "SELECT 1", {"database": "postgres://x"}, "args.database"),
        ("http", '{"url": "https://x.org/{a}"}', {}, "args.a"),
    ],
)
async def test_languages_integration_check_arguments_before_the_queue(
    shared: App, language: str, content: str, args: dict[str, Any], param: str
) -> None:
    body = {"language": language, "content": content, "args": args}

    answer = await shared.owner.post("/api/v1/jobs", json=body)

    assert answer.status_code == 422, answer.text
    assert answer.json()["error"]["param"] == param


async def test_languages_integration_keep_python_warm_for_jobs_that_ask_for_it(app: App) -> None:
    body = {"path": "tides/count", "language": "python", "content": COUNTS}
    await app.owner.post("/api/v1/scripts", json=body)
    for number in (1, 2, 3):
        started = await app.owner.post(
            "/api/v1/jobs", json={"script_path": "tides/count", "isolation": "warm"}
        )
        assert started.json()["isolation"] == "warm"
        ended = await finished(app, started.json()["id"])
        assert ended["result"] == number, ended


async def test_languages_integration_keep_nothing_but_python_warm(shared: App) -> None:
    refused = await shared.owner.post(
        "/api/v1/jobs", json={"language": "bash", "content": "true", "isolation": "warm"}
    )

    assert refused.status_code == 400
    assert refused.json()["error"]["code"] == "INVALID_JOB_FIELD"
    assert "python can stay warm" in refused.json()["error"]["message"]
