"""Searches over HTTP."""

from __future__ import annotations

import httpx
import pytest

pytestmark = pytest.mark.anyio


async def test_search_finds_words_keys_and_slips(client: httpx.AsyncClient) -> None:
    for title in ("Sluice gate", "Rusty sluice"):
        body = {"project_id": "TM", "item_type": "task", "title": title}
        assert (await client.post("/work-items", json=body)).status_code == 201

    async def found(**query: str) -> list[tuple[str, str]]:
        answer = await client.get("/search", params=query)
        assert answer.status_code == 200, answer.text
        return [(hit["match"], hit["item"]["key"]) for hit in answer.json()["items"]]

    assert await found(q="slui") == [("title", "TM-1"), ("words", "TM-2")]
    assert await found(q="tm-2") == [("key", "TM-2")]
    assert await found(q="slucie", filter="rusty") == [("similar", "TM-2")]


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"q": "x" * 10_240}, "q"),
        ({}, "q"),
        ({"q": "a", "limit": "201"}, "limit"),
        ({"q": "a", "filter": "statsu:x"}, "filter"),
        ({"q": "a", "filter": "sort:updated"}, "filter"),
    ],
)
async def test_search_refuses_a_bad_query(
    client: httpx.AsyncClient, query: dict[str, str], param: str
) -> None:
    answer = await client.get("/search", params=query)

    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
