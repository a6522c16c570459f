"""Requests of `http` jobs: what they send, where they may go, and what they take for success."""

from __future__ import annotations

import gzip
import itertools
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.conformance.executors.conftest import Server
from tests.conformance.executors.languages import JOB_IDS
from tests.integration.jobs.worker.conftest import StartWorker
from tests.integration.jobs.worker.dispatcher import Dispatcher, job, succeeded
from tidemill.jobs.execution.executors.contract import Machine
from tidemill.jobs.protocol.messages import Isolation, Outcome

pytestmark = pytest.mark.anyio
Ask = Callable[..., Awaitable[Outcome]]


@pytest.fixture
async def ask(
    dispatcher: Dispatcher, start_worker: StartWorker, server: Server, tmp_path: Path
) -> Ask:
    machine = Machine(
        files_directory=tmp_path / "files",
        cache_directory=tmp_path / "cache",
        addresses_allowed=(f"127.0.0.1:{server.port}",),
    )
    await start_worker(machine=machine)
    numbers = itertools.count(1)

    async def ask(arguments: dict[str, Any] | None = None, **document: Any) -> Outcome:
        content = json.dumps({"url": f"{server.url}/", **document})
        isolation = Isolation.SANDBOX
        return await dispatcher.run(
            job(
                JOB_IDS.format(next(numbers)), content, language="http", isolation=isolation,
                arguments=arguments or {},
            )
        )  # fmt: skip

    return ask


async def test_http_executor_encodes_arguments_for_their_place(ask: Ask, server: Server) -> None:
    outcome = await ask(
        {"a": "x/../y?z=1 &", "n": 3, "list": ["p", "q"]},
        method="POST",
        url=f"{server.url}/at/{{a}}/end",
        query={"a": "{a}", "each": "{list}"},
        headers={"X-A": "is {n}"},
        body={"n": "{n}", "text": "{a}!", "list": "{list}"},
    )

    assert succeeded(outcome)["status"] == 200
    (asked,) = server.asked
    assert asked.target == (
        "/at/x%2F..%2Fy%3Fz%3D1%20%26/end?a=x%2F..%2Fy%3Fz%3D1+%26&each=p&each=q"
    )
    assert asked.headers["x-a"] == "is 3"
    assert msgspec.json.decode(asked.body) == {
        "n": 3,
        "text": "x/../y?z=1 &!",
        "list": ["p", "q"],
    }


async def test_http_executor_refuses_line_breaks_in_headers(ask: Ask, server: Server) -> None:
    outcome = await ask({"a": "x\r\nHost: evil"}, headers={"X-A": "{a}"})

    assert outcome.error is not None
    assert outcome.error["type"] == "HeaderInvalid"
    assert server.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9/",
        "http://localhost/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://10.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://0.0.0.0/",
        "http://2130706433/",
        "http://0x7f.1/",
    ],
)
async def test_http_executor_reaches_nothing_private(ask: Ask, url: str) -> None:
    outcome = await ask(url=url)

    assert outcome.error is not None
    assert outcome.error["type"] == "AddressRefused", outcome.error


async def test_http_executor_checks_where_redirects_lead(ask: Ask, server: Server) -> None:
    server.answer(b"", 302, location="http://169.254.169.254/latest/")

    outcome = await ask()

    assert outcome.error is not None
    assert outcome.error["type"] == "AddressRefused"
    assert len(server.asked) == 1


async def test_http_executor_follows_redirects_and_stops_at_the_limit(
    ask: Ask, server: Server
) -> None:
    server.answer(b"", 303, location="/next")
    server.answer({"done": True})
    followed = await ask(method="POST", body={"a": 1})
    server.answers.clear()
    server.answer(b"", 302, location="/round")

    lost = await ask(redirects_max=2)

    assert succeeded(followed)["body"] == {"done": True}
    assert [(one.method, one.target) for one in server.asked[:2]] == [
        ("POST", "/"),
        ("GET", "/next"),
    ]
    assert lost.error is not None
    assert lost.error["type"] == "TooManyRedirects"


async def test_http_executor_tells_another_host_no_key(ask: Ask, server: Server) -> None:
    # The same server by another name.
    server.answer(b"", 302, location=f"http://2130706433:{server.port}/next")
    server.answer({"done": True})

    outcome = await ask(headers={"X-Api-Key": "k-1", "Accept": "text/plain"})

    assert succeeded(outcome)["body"] == {"done": True}
    first, second = (one.headers for one in server.asked)
    assert first["x-api-key"] == "k-1"
    assert "x-api-key" not in second
    assert second["accept"] == "text/plain"


async def test_http_executor_sends_the_body_to_no_other_host(ask: Ask, server: Server) -> None:
    server.answer(b"", 307, location=f"http://2130706433:{server.port}/next")

    outcome = await ask(method="POST", body={"secret": "s"})

    assert outcome.error is not None
    assert outcome.error["type"] == "RedirectRefused"
    assert len(server.asked) == 1


async def test_http_executor_refuses_arguments_that_step_up(ask: Ask, server: Server) -> None:
    for step in ("..", ".", "%2e%2E"):
        outcome = await ask({"a": step}, url=f"{server.url}/at/{{a}}/end")
        refused = outcome.error is not None and outcome.error["type"] == "UrlInvalid"
        # What is encoded already is encoded again, and so only a strange name.
        assert refused == (step != "%2e%2E"), step

    assert [one.target for one in server.asked] == ["/at/%252e%252E/end"]


async def test_http_executor_asks_for_tokens_without_redirects(ask: Ask, server: Server) -> None:
    server.answer(b"", 302, location="/stolen")
    api = {"token_url": f"{server.url}/token", "client_id": "i", "client_secret": "s"}

    outcome = await ask({"api": api}, auth="{api}")

    assert outcome.error is not None
    assert outcome.error["type"] == "TokenRefused"
    assert [one.target for one in server.asked] == ["/token"]


async def test_http_executor_tries_again_where_that_is_safe(ask: Ask, server: Server) -> None:
    server.answer(b"", 503, retry_after="0")
    server.answer({"up": True})
    read = await ask()
    server.answers.clear()
    server.asked.clear()
    server.answer(b"", 503, retry_after="0")

    written = await ask(method="POST")

    assert succeeded(read)["body"] == {"up": True}
    assert written.error is not None
    assert written.error["type"] == "HttpStatus"
    assert len(server.asked) == 1


async def test_http_executor_tries_again_after_a_time_that_is_no_number(
    ask: Ask, server: Server
) -> None:
    server.answer(b"", 503, retry_after="\N{SUPERSCRIPT TWO}")
    server.answer({"up": True})

    assert succeeded(await ask())["body"] == {"up": True}


@pytest.mark.parametrize(
    ("resource", "header"),
    [
        ({"token": "t0k"}, "Bearer t0k"),
        ({"username": "ada", "password": "pw"}, "Basic YWRhOnB3"),
    ],
)
async def test_http_executor_shows_the_credential_of_a_resource(
    ask: Ask, server: Server, resource: dict[str, str], header: str
) -> None:
    await ask({"api": resource}, auth="{api}")

    assert server.asked[0].headers["authorization"] == header


async def test_http_executor_gets_a_token_for_client_credentials(
    ask: Ask, server: Server, dispatcher: Dispatcher
) -> None:
    server.answer({"access_token": "fresh", "expires_in": 60})
    server.answer({"ok": True})
    resource = {
        "token_url": f"{server.url}/token",
        "client_id": "mill",
        "client_secret": "s3cret",
        "scope": "tides",
    }

    outcome = await ask({"api": resource}, auth="{api}")

    assert succeeded(outcome)["body"] == {"ok": True}
    token, asked = server.asked
    assert token.body == (
        b"grant_type=client_credentials&client_id=mill&client_secret=s3cret&scope=tides"
    )
    assert asked.headers["authorization"] == "Bearer fresh"
    log = dispatcher.logs[JOB_IDS.format(1)]
    assert b"s3cret" not in log
    assert b"fresh" not in log


async def test_http_executor_reads_what_is_compressed_and_cuts_what_is_long(
    ask: Ask, server: Server
) -> None:
    body = gzip.compress(json.dumps({"text": "x" * 1000}).encode())
    server.answer(body, content_type="application/json", content_encoding="gzip")
    read = await ask()
    server.answers.clear()
    server.answer(gzip.compress(b"x" * 50_000_000), content_encoding="gzip")

    long = await ask()

    assert succeeded(read)["body"] == {"text": "x" * 1000}
    assert succeeded(long)["truncated"] is True


async def test_http_executor_takes_the_statuses_that_are_expected(ask: Ask, server: Server) -> None:
    server.answer({"none": True}, 404)

    outcome = await ask(expect=[404])

    assert succeeded(outcome)["status"] == 404
