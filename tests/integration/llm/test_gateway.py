"""Requests of models over HTTP, in the whole application, to a real server of models."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.fixtures.app import error
from tests.fixtures.model_server import model_server
from tests.fixtures.stores import KINDS_BY_TIER, StoresKind
from tests.integration.llm.gateways import KEY, MESSAGES, chat, gateway, ledger, made

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("kind", KINDS_BY_TIER)
async def test_a_chat_is_answered_by_the_deployment_behind_the_alias_and_counted(
    tmp_path: Path, kind: StoresKind
) -> None:
    async with gateway(tmp_path, kind) as (app, server):
        answer = await chat(app, model="fast", top_p=0.5)
        rows = await ledger(app)
        totals = (await app.owner.get("/api/v1/llm/usage?by=model")).json()["items"]

    assert answer.status_code == 200
    assert answer.json()["choices"][0]["message"]["content"] == "The tide turns."
    assert answer.headers["x-tidemill-provider"] == "near"
    assert server.asked == [
        {"temperature": 0.2, "messages": MESSAGES, "model": "tide-1", "top_p": 0.5}
    ]
    assert server.keys == [f"Bearer {KEY}"]
    (row,) = rows
    assert (row["model"], row["deployed_model"], row["outcome"]) == ("fast", "tide-1", "ok")
    assert (row["input_tokens"], row["cached_tokens"], row["output_tokens"]) == (7, 2, 3)
    assert not row["estimated"]
    assert [(one["key"], one["requests"], one["output_tokens"]) for one in totals] == [
        ("fast", 1, 3)
    ]


async def test_a_stream_passes_as_it_is_without_the_usage_that_nobody_asked_for(
    tmp_path: Path,
) -> None:
    async with gateway(tmp_path) as (app, server):
        plain = await chat(app, model="fast", stream=True)
        asked = await chat(app, model="fast", stream=True, stream_options={"include_usage": True})
        rows = await ledger(app)

    events = [line for line in plain.text.split("\n\n") if line]
    assert plain.headers["content-type"] == "text/event-stream"
    assert [json.loads(one[6:])["choices"][0]["delta"]["content"] for one in events[:-1]] == [
        "The ",
        "tide ",
        "turns.",
    ]
    assert events[-1] == "data: [DONE]"
    assert '"completion_tokens": 3' in asked.text
    assert [body["stream_options"] for body in server.asked] == [{"include_usage": True}] * 2
    assert [row["output_tokens"] for row in rows] == [3, 3]


async def test_a_provider_is_asked_for_its_own_models_by_its_name(tmp_path: Path) -> None:
    async with gateway(tmp_path) as (app, server):
        answer = await chat(app, model="near/tide-2:free")

    assert answer.status_code == 200
    assert server.asked[0]["model"] == "tide-2:free"


async def test_an_unknown_model_names_the_nearest_ones(tmp_path: Path) -> None:
    async with gateway(tmp_path) as (app, _):
        answer = await chat(app, model="fats")

    assert error(answer) == (404, "MODEL_NOT_FOUND", "model")
    assert "Did you mean fast?" in answer.json()["error"]["message"]


async def test_the_next_deployment_answers_when_the_first_is_away_or_fails(
    tmp_path: Path,
) -> None:
    async with gateway(tmp_path) as (app, server), model_server() as other:
        second = await made(app, "providers", name="far", base_url=other.url)
        aliases = (await app.owner.get("/api/v1/llm/aliases")).json()["items"]
        first = aliases[0]["deployments"][0]
        behind = {"provider_id": second["id"], "model": "tide-9"}
        changed = await app.owner.patch(
            f"/api/v1/llm/aliases/{aliases[0]['id']}", json={"deployments": [first, behind]}
        )
        server.refuses = 500
        failed_over = await chat(app, model="fast", stream=True)
        server.refuses, other.refuses = 429, 429
        busy = await chat(app, model="fast")
        server.refuses, other.refuses = 500, 429
        half_busy = await chat(app, model="fast")
        server.refuses, other.refuses = 401, 503
        away = await chat(app, model="fast")
        rows = await ledger(app)

    assert changed.status_code == 200
    assert failed_over.headers["x-tidemill-provider"] == "far"
    assert failed_over.headers["x-tidemill-attempts"] == "2"
    assert error(busy) == (429, "PROVIDER_BUSY", None)
    assert busy.headers["retry-after"] == "7"
    assert error(half_busy) == (502, "PROVIDER_FAILED", None)
    assert error(away) == (502, "PROVIDER_FAILED", None)
    assert "near: it answered 401; far: it answered 503" in away.json()["error"]["message"]
    assert server.url not in away.text
    assert [(row["outcome"], row["attempts"], row["status_code"]) for row in rows] == [
        ("failed", 2, 502),
        ("failed", 2, 502),
        ("failed", 2, 429),
        ("ok", 2, 200),
    ]


async def test_what_is_wrong_with_the_request_is_told_as_the_provider_says_it(
    tmp_path: Path,
) -> None:
    async with gateway(tmp_path) as (app, server):
        server.refuses = 400
        refused = await chat(app, model="fast")
        without = await app.owner.post("/v1/chat/completions", json={"model": "fast"})
        nameless = await app.owner.post("/v1/chat/completions", json={"messages": MESSAGES})

    assert error(without) == (
        400,
        "INVALID_MODEL_REQUEST",
        "messages",
    )
    assert refused.status_code == 400
    assert refused.json()["error"]["code"] == "refused_upstream"
    assert error(nameless) == (400, "INVALID_MODEL_REQUEST", "model")


async def test_a_stream_that_breaks_off_ends_with_an_error_event(tmp_path: Path) -> None:
    async with gateway(tmp_path) as (app, server):
        server.breaks_after = 2
        answer = await chat(app, model="fast", stream=True)
        rows = await ledger(app)

    events = [line for line in answer.text.split("\n\n") if line]
    assert json.loads(events[-1][6:])["error"]["code"] == "PROVIDER_FAILED"
    assert "[DONE]" not in answer.text
    (row,) = rows
    assert (row["outcome"], row["estimated"]) == ("failed", True)
    assert row["output_tokens"] > 0


async def test_embeddings_are_relayed_and_counted(tmp_path: Path) -> None:
    async with gateway(tmp_path) as (app, _):
        answer = await app.owner.post("/v1/embeddings", json={"model": "fast", "input": "tide"})
        (row,) = await ledger(app)

    assert answer.json()["data"][0]["embedding"] == [0.5, 0.25]
    assert (row["operation"], row["input_tokens"], row["output_tokens"]) == ("embedding", 4, 0)


async def test_embeddings_that_nobody_counted_are_no_output(tmp_path: Path) -> None:
    async with gateway(tmp_path) as (app, server):
        server.says = b'{"object": "list", "data": [{"embedding": [0.123456789, 0.123456789]}]}'
        answer = await app.owner.post("/v1/embeddings", json={"model": "fast", "input": "tide"})
        (row,) = await ledger(app)

    assert answer.status_code == 200
    assert (row["estimated"], row["output_tokens"]) == (True, 0)


@pytest.mark.parametrize(
    ("path", "stream", "said", "headers"),
    [
        ("/v1/chat/completions", False, b"<html>", {"content-type": "text/html"}),
        ("/v1/chat/completions", False, b'{"error": {"message": "no"}}', {}),
        ("/v1/chat/completions", True, b'{"error": {"message": "no"}}', {}),
        ("/v1/chat/completions", False, b"\x1f\x8b", {"content-encoding": "x-packed"}),
        ("/v1/messages", False, b'{"choices": {"a": 1}}', {}),
        ("/v1/messages", False, b'{"choices": [{"message": "text"}]}', {}),
        ("/api/chat", False, b'{"choices": [], "created": 9999999999999999}', {}),
        (
            "/api/chat",
            True,
            b'data: {"choices": [{"delta": {"tool_calls": 7}}]}\n\n',
            {"content-type": "text/event-stream"},
        ),
    ],
)
async def test_what_is_no_answer_of_a_model_is_told_as_a_failure_of_its_provider(
    tmp_path: Path, path: str, said: bytes, headers: dict[str, str], *, stream: bool
) -> None:
    async with gateway(tmp_path) as (app, server):
        server.says, server.headers = said, {"content-type": "application/json", **headers}
        body = {"model": "fast", "messages": MESSAGES, "max_tokens": 9, "stream": stream}
        answer = await app.owner.post(path, json=body)
        (row,) = await ledger(app)

    assert answer.status_code == 502, answer.text
    assert server.encodings == ["identity"]
    assert (row["outcome"], row["status_code"]) == ("failed", 502)


async def test_a_stream_of_messages_that_breaks_off_is_counted_by_what_came(
    tmp_path: Path,
) -> None:
    async with gateway(tmp_path) as (app, server):
        provider = await made(
            app, "providers", name="claude", base_url=server.url, dialect="anthropic"
        )
        server.breaks_after = 7
        body = {"model": "claude/m", "messages": MESSAGES, "max_tokens": 9, "stream": True}
        answer = await app.owner.post("/v1/messages", json=body)
        (row,) = await ledger(app)

    assert '"api_error"' in answer.text
    assert (row["provider_id"], row["outcome"]) == (provider["id"], "failed")
    # The first event counts the input, and one token of the output.
    assert (row["input_tokens"], row["estimated"]) == (7, True)
    assert row["output_tokens"] > 1


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/v1/chat/completions", b'data: {"error": {"message": "too much"}}\n\n'),
        ("/v1/messages", b'data: {"type": "error", "error": {"message": "too much"}}\n\n'),
    ],
)
async def test_a_stream_whose_first_event_is_an_error_leaves_it_to_the_next_deployment(
    tmp_path: Path, path: str, said: bytes
) -> None:
    async with gateway(tmp_path) as (app, server), model_server() as other:
        dialect = "anthropic" if path == "/v1/messages" else "openai"
        names = {"broken": server, "whole": other}
        providers = [
            await made(app, "providers", name=name, base_url=models.url, dialect=dialect)
            for name, models in names.items()
        ]
        deployments = [{"provider_id": one["id"], "model": "m"} for one in providers]
        await made(app, "aliases", name="both", deployments=deployments)
        server.says, server.headers = said, {"content-type": "text/event-stream"}
        body = {"model": "both", "messages": MESSAGES, "max_tokens": 9, "stream": True}
        answer = await app.owner.post(path, json=body)
        alone = await app.owner.post(path, json=body | {"model": "broken/m"})
        rows = await ledger(app)

    assert answer.headers["x-tidemill-provider"] == "whole"
    assert "too much" not in answer.text
    assert alone.status_code == 502
    assert [(row["outcome"], row["attempts"]) for row in rows] == [("failed", 1), ("ok", 2)]


async def test_a_refused_translation_is_kept_with_the_status_that_the_client_was_told(
    tmp_path: Path,
) -> None:
    async with gateway(tmp_path) as (app, server):
        await made(app, "providers", name="claude", base_url=server.url, dialect="anthropic")
        answer = await chat(app, model="claude/m", n=2)
        (row,) = await ledger(app)

    assert error(answer) == (400, "INVALID_MODEL_REQUEST", "n")
    assert (row["outcome"], row["status_code"], row["input_tokens"]) == ("failed", 400, 0)
