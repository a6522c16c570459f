"""What providers and their keys may and may not be, over HTTP."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.fixtures.app import error, make_app
from tests.fixtures.stores import KINDS_BY_TIER, StoresKind
from tests.integration.llm.gateways import KEY, MESSAGES, chat, gateway

pytestmark = pytest.mark.anyio


async def test_a_provider_that_repeats_its_key_shows_it_to_nobody(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async with gateway(tmp_path) as (app, server):
        server.refusal = f"The key {KEY} may not do this."
        server.refuses = 400
        refused = await chat(app, model="fast")
        body = {"model": "fast", "messages": MESSAGES, "max_tokens": 9}
        translated = await app.owner.post("/v1/messages", json=body)
        server.refuses = 401
        failed = await chat(app, model="fast")
    logged = "".join(capfd.readouterr())

    assert "The key [key] may not do this." in refused.text
    assert "The key [key] may not do this." in translated.text
    assert KEY not in refused.text + translated.text + failed.text + logged


async def test_a_key_is_never_shown_and_goes_to_no_other_address(tmp_path: Path) -> None:
    async with gateway(tmp_path) as (app, server):
        (provider,) = (await app.owner.get("/api/v1/llm/providers")).json()["items"]
        path = f"/api/v1/llm/providers/{provider['id']}"
        moved = await app.owner.patch(path, json={"base_url": server.url + "/other"})
        forgotten = await app.owner.patch(
            path, json={"base_url": server.url + "/other", "api_key": None}
        )
        audited = (await app.owner.get("/api/v1/audit-events")).text
    kept = await anyio.to_thread.run_sync(_kept_in, tmp_path)

    assert provider["has_key"]
    assert KEY not in json.dumps(provider)
    assert error(moved) == (400, "INVALID_PROVIDER", "api_key")
    assert (forgotten.status_code, forgotten.json()["has_key"]) == (200, False)
    assert KEY not in audited
    assert KEY.encode() not in kept


@pytest.mark.parametrize("kind", KINDS_BY_TIER)
async def test_a_provider_that_serves_an_alias_stays_until_the_alias_is_gone(
    tmp_path: Path, kind: StoresKind
) -> None:
    async with gateway(tmp_path, kind) as (app, _):
        (provider,) = (await app.owner.get("/api/v1/llm/providers")).json()["items"]
        (alias,) = (await app.owner.get("/api/v1/llm/aliases")).json()["items"]
        used = await app.owner.delete(f"/api/v1/llm/providers/{provider['id']}")
        await app.owner.delete(f"/api/v1/llm/aliases/{alias['id']}")
        gone = await app.owner.delete(f"/api/v1/llm/providers/{provider['id']}")
        models = (await app.owner.get("/v1/models")).json()

    assert error(used) == (409, "PROVIDER_IN_USE", None)
    assert "fast" in used.json()["error"]["message"]
    assert gone.status_code == 204
    assert models == {"object": "list", "data": []}


@pytest.mark.parametrize(
    ("what", "body", "param"),
    [
        ("providers", {"name": "Not Plain", "base_url": "https://example.org/v1"}, "name"),
        ("providers", {"name": "near", "base_url": "http://169.254.169.254/v1"}, "base_url"),
        ("providers", {"name": "near", "base_url": "http://2130706433/v1"}, "base_url"),
        ("providers", {"name": "near", "base_url": "http://127.1/v1"}, "base_url"),
        ("providers", {"name": "near", "base_url": "https://u:p@example.org/v1"}, "base_url"),
        ("providers", {"name": "near", "base_url": "ftp://example.org/v1"}, "base_url"),
        ("aliases", {"name": "a/b", "deployments": [{"provider_id": "x", "model": "m"}]}, "name"),
        (
            "aliases",
            {"name": "a", "deployments": [{"provider_id": "x", "model": "m"}]},
            "deployments[0].provider_id",
        ),
    ],
)
async def test_what_would_never_work_is_refused(
    tmp_path: Path, what: str, body: dict[str, Any], param: str
) -> None:
    async with make_app(tmp_path) as app:
        answer = await app.owner.post(f"/api/v1/llm/{what}", json=body)

    assert error(answer)[2] == param
    assert answer.status_code in {400, 404}


async def test_what_was_asked_stands_in_no_log_though_the_provider_repeats_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with gateway(tmp_path) as (app, server):
        server.refuses, server.refusal = 503, "no: my-own-secret"
        answer = await app.owner.post(
            "/v1/chat/completions",
            json={"model": "fast", "messages": [{"role": "user", "content": "my-own-secret"}]},
        )

    logged = capsys.readouterr()
    assert answer.status_code == 502
    assert "llm.provider.refused" in logged.out + logged.err
    assert "refused_upstream" in logged.out + logged.err
    assert "my-own-secret" not in logged.out + logged.err


def _kept_in(directory: Path) -> bytes:
    return b"".join(one.read_bytes() for one in directory.rglob("*.db*"))
