"""The job's way to the API, from inside its own network."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from tests.integration.jobs.worker.conftest import StartWorker
from tests.integration.jobs.worker.dispatcher import Dispatcher, job, succeeded
from tidemill.jobs.protocol.messages import Isolation

pytestmark = pytest.mark.anyio

_CALL = """
import os, urllib.request, urllib.error

def call(path, body=None, headers={}):
    request = urllib.request.Request(os.environ["TIDEMILL_URL"] + path, body, headers)
    try:
        with urllib.request.urlopen(request, timeout=25) as answer:
            return [answer.status, answer.read().decode()]
    except urllib.error.HTTPError as error:
        return [error.code, error.read().decode()]

"""


@dataclass
class Api:
    """A real HTTP server that keeps what it was sent."""

    url: str
    answer: bytes = b'{"me": "job"}'
    heads: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)


@pytest.fixture
async def api(dispatcher: Dispatcher) -> AsyncIterator[Api]:
    served = Api(url="")

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # The relay may be cut at any moment, as its job ends.
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            await serve(reader, writer)
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        served.heads.append(head)
        length = int(head.lower().split("content-length: ")[1].split("\r\n")[0])
        served.bodies.append(await reader.readexactly(length))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n")
        size = len(served.answer)
        writer.write(b"content-length: %d\r\nconnection: close\r\n\r\n" % size + served.answer)
        await writer.drain()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    served.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    dispatcher.api_url = served.url
    yield served
    server.close()
    await server.wait_closed()


async def test_relay_integration_calls_the_api_with_the_jobs_own_token(
    dispatcher: Dispatcher, start_worker: StartWorker, api: Api
) -> None:
    await start_worker()
    script = _CALL + (
        "def main():\n"
        "    return call('/api/v1/work-items/7?x=%2F', b'{}', {'Authorization': 'Bearer stolen',\n"
        "        'Cookie': 'session=1', 'X-Forwarded-For': '10.0.0.1', 'If-Match': '3'})"
    )

    outcome = await dispatcher.run(job("j", script, isolation=Isolation.SANDBOX))

    assert succeeded(outcome) == [200, '{"me": "job"}']
    (head,) = api.heads
    assert head.startswith("POST /api/v1/work-items/7?x=%2F HTTP/1.1\r\n")
    assert "authorization: Bearer token-of-j\r\n" in head
    assert "If-Match: 3\r\n" in head
    for secret in ("stolen", "session=1", "10.0.0.1"):
        assert secret not in head
    assert api.bodies == [b"{}"]


@pytest.mark.parametrize(
    "path",
    [
        "/metrics",
        "/api/v1",
        "/api/v2/x",
        "/api/v1/../../metrics",
        "/api/v1/%2e%2e/%2e%2e/metrics",
        "/api/v1/..%2f..%2fmetrics",
        "/api/v1/%252e%252e/metrics",
        "/api/v1//evil",
        "/api/v1/x\\..\\y",
    ],
)
async def test_relay_integration_refuses_paths_outside_of_the_api(
    dispatcher: Dispatcher, start_worker: StartWorker, api: Api, path: str
) -> None:
    await start_worker()
    script = _CALL + "def main(path): return call(path)[0]"

    outcome = await dispatcher.run(
        job("j", script, isolation=Isolation.SANDBOX, arguments={"path": path})
    )

    assert succeeded(outcome) == 403
    assert api.heads == []


async def test_relay_integration_limits_heads_and_bodies(
    dispatcher: Dispatcher, start_worker: StartWorker, api: Api
) -> None:
    await start_worker()
    script = _CALL + (
        "import http.client\n"
        "def attempt(*a):\n"
        "    try: return call(*a)[0]\n"
        "    except (OSError, http.client.HTTPException): return 'cut'\n"
        "def main():\n"
        "    return [attempt('/api/v1/x', b'x' * (11 * 1024 * 1024)),\n"
        "            attempt('/api/v1/x', None, {'X-Long': 'x' * 40_000})]"
    )

    outcome = await dispatcher.run(job("j", script, isolation=Isolation.SANDBOX))

    assert set(succeeded(outcome)) <= {413, "cut"}
    assert api.heads == []


async def test_relay_integration_says_that_the_api_is_away(
    dispatcher: Dispatcher, start_worker: StartWorker
) -> None:
    await start_worker()
    script = _CALL + "def main(): return call('/api/v1/x')"

    outcome = await dispatcher.run(job("j", script, isolation=Isolation.SANDBOX))

    status, body = succeeded(outcome)
    assert status == 502
    assert '"code":"API_UNREACHABLE"' in body


@pytest.mark.parametrize(("token", "status"), [("token-of-j", 200), ("token-of-k", 401), ("", 401)])
async def test_relay_integration_asks_those_for_the_token_who_knock_on_the_machines_loopback(
    dispatcher: Dispatcher, start_worker: StartWorker, api: Api, token: str, status: int
) -> None:
    await start_worker()
    script = _CALL + (
        "def main(token):\n"
        "    return call('/api/v1/me', b'', {'authorization': 'Bearer ' + token})[0]"
    )

    outcome = await dispatcher.run(
        job("j", script, isolation=Isolation.FORK, arguments={"token": token})
    )

    assert succeeded(outcome) == status
    assert ["authorization: Bearer token-of-j\r\n" in head for head in api.heads] == (
        [True] if status == 200 else []
    )


@pytest.mark.parametrize("isolation", [Isolation.FORK, Isolation.SANDBOX])
async def test_relay_integration_hides_the_secrets_that_pass_in_log_and_result(
    dispatcher: Dispatcher, start_worker: StartWorker, api: Api, isolation: Isolation
) -> None:
    await start_worker()
    api.answer = b'{"value": "high tide", "secrets": ["high tide"]}'
    script = (
        "import json\nfrom tidemill import context\ndef main():\n"
        "    word = context.get_variable('mail/password')\n"
        "    print('read', word)\n"
        "    return {'word': word, 'url': f'https://{word}@host', word: [1.0, 'tide'],\n"
        "            'is': word == 'high' + ' tide'}"
    )

    outcome = await dispatcher.run(job("j", script, isolation=isolation))

    assert succeeded(outcome) == {
        "word": "[redacted]", "url": "https://[redacted]@host", "[redacted]": [1.0, "tide"],
        "is": True,
    }  # fmt: skip
    assert dispatcher.logs["j"] == b"read [redacted]\n"


@pytest.mark.parametrize("isolation", [Isolation.FORK, Isolation.SANDBOX])
async def test_relay_integration_hides_secrets_in_what_a_job_tells_of_itself(
    dispatcher: Dispatcher, start_worker: StartWorker, api: Api, isolation: Isolation
) -> None:
    await start_worker()
    api.answer = b'{"value": "high tide", "secrets": ["high tide"]}'
    script = (
        "from tidemill import context\ndef main():\n"
        "    word = context.get_variable('mail/password')\n"
        "    context.progress(10.0, f'with {word}')\n"
        "    context.metric(word, 12345)\n"
    )

    succeeded(await dispatcher.run(job("j", script, isolation=isolation)))

    assert [json.loads(body) for body in api.bodies[1:]] == [
        {"percent": 10.0, "text": "with [redacted]"},
        {"values": {"[redacted]": 12345}},
    ]


@pytest.mark.parametrize("isolation", [Isolation.FORK, Isolation.SANDBOX])
async def test_relay_integration_a_job_that_prints_its_environment_shows_no_token(
    dispatcher: Dispatcher, start_worker: StartWorker, api: Api, isolation: Isolation
) -> None:
    await start_worker()

    succeeded(await dispatcher.run(job("j", "env\n", language="bash", isolation=isolation)))

    assert b"TIDEMILL_TOKEN=[redacted]\n" in dispatcher.logs["j"]
    assert b"token-of-j" not in dispatcher.logs["j"]


async def test_relay_integration_takes_what_a_forked_job_asks_for_a_sign_of_life(
    dispatcher: Dispatcher, start_worker: StartWorker, api: Api
) -> None:
    await start_worker()
    script = (
        "import time\nfrom tidemill import context\ndef main():\n"
        "    for _ in range(24):\n"
        "        time.sleep(0.25)\n"
        "        context.heartbeat()"
    )
    outcome = await dispatcher.run(job("j", script, heartbeat_seconds=5.0))

    assert succeeded(outcome) is None


async def test_relay_integration_speaks_for_each_job_of_a_warm_process_alone(
    dispatcher: Dispatcher, start_worker: StartWorker, api: Api
) -> None:
    await start_worker()
    script = _CALL + "def main(): return call('/api/v1/me', b'')[0]"

    for name in ("a", "b"):
        assert succeeded(await dispatcher.run(job(name, script, isolation=Isolation.WARM))) == 200

    assert ["token-of-a" in head for head in api.heads] == [True, False]
    assert ["token-of-b" in head for head in api.heads] == [False, True]


async def test_relay_integration_sends_nothing_that_an_earlier_job_left_waiting(
    dispatcher: Dispatcher, start_worker: StartWorker, api: Api
) -> None:
    await start_worker()
    script = (
        "import os, socket\nleft = []\ndef main(leaves):\n"
        "    port = int(os.environ['TIDEMILL_URL'].rpartition(':')[2])\n"
        "    if leaves:\n"
        "        for _ in range(8):\n"
        "            plug = socket.create_connection(('127.0.0.1', port))\n"
        "            plug.send(b'POST /api/v1/me HTTP/1.1\\r\\nhost: x\\r\\n'\n"
        "                      b'content-length: 0\\r\\n\\r\\n')\n"
        "            left.append(plug)\n"
        "        return len(left)\n"
        "    for plug in left:\n"
        "        plug.settimeout(10)\n"
        "        while True:\n"
        "            try:\n"
        "                if not plug.recv(1000): break\n"
        "            except ConnectionError: break\n"
        "    return len(left)"
    )

    for name, leaves in (("a", True), ("b", False)):
        outcome = await dispatcher.run(
            job(name, script, isolation=Isolation.WARM, arguments={"leaves": leaves})
        )
        assert succeeded(outcome) == 8, "both ran in one process"

    assert not any("token-of-b" in head for head in api.heads)
