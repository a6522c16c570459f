from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from litestar.enums import HttpMethod

from tidemill.http import Idempotency
from tidemill.http.described_headers import operation_class_of

DOCUMENT = json.loads(
    (Path(__file__).resolve().parents[3] / "docs" / "api" / "openapi.json").read_bytes()
)


def _headers(method: str, path: str) -> dict[str, dict[str, Any]]:
    operation = DOCUMENT["paths"][f"/api/v1{path}"][method]
    given = operation.get("parameters", [])
    return {one["name"]: one for one in given if one["in"] == "header"}


@pytest.mark.parametrize(
    ("method", "path", "names"),
    [
        ("post", "/jobs", {"Idempotency-Key"}),
        ("post", "/api-tokens", {"Idempotency-Key"}),
        ("post", "/projects/{project_id}/imports", {"Idempotency-Key"}),
        ("patch", "/work-items/{item_id}", {"Idempotency-Key", "If-Match"}),
        ("delete", "/work-items/{item_id}", {"If-Match"}),
        ("patch", "/auth/me", {"If-Match"}),
        ("get", "/work-items", set()),
        ("get", "/work-items/{item_id}", {"If-None-Match"}),
    ],
)
def test_openapi_names_the_headers_that_a_route_reads(
    method: str, path: str, names: set[str]
) -> None:
    assert _headers(method, path).keys() == names


@pytest.mark.parametrize(
    ("method", "path", "statuses"),
    [
        ("get", "/projects/{project_id}", {"200", "304"}),
        ("get", "/projects", set()),
        ("post", "/projects", {"201"}),
        ("patch", "/projects/{project_id}", {"200", "409", "412"}),
        ("delete", "/projects/{project_id}", {"409", "412"}),
    ],
)
def test_openapi_names_the_etag_of_an_answer(method: str, path: str, statuses: set[str]) -> None:
    responses = DOCUMENT["paths"][f"/api/v1{path}"][method]["responses"]

    tagged = {status for status, one in responses.items() if "ETag" in one.get("headers", {})}
    assert tagged == statuses


@pytest.mark.parametrize(
    ("header", "taken", "refused"),
    [
        (
            "If-Match",
            ['"v3"', 'W/"v12"', '"v3.0123456789abcdef"', '"v1", "v2"', "*"],
            ["v3", '"3"', '"v3.x"', ""],
        ),
        ("Idempotency-Key", ["k", "4f6c1f0e-7"], ["", "a b", "é"]),
    ],
)
def test_openapi_says_what_a_header_may_be(
    header: str, taken: list[str], refused: list[str]
) -> None:
    pattern = _headers("patch", "/work-items/{item_id}")[header]["schema"]["pattern"]

    assert all(re.search(pattern, text) for text in taken)
    assert not any(re.search(pattern, text) for text in refused)


def test_operation_class_of_keeps_the_parameters_that_are_there() -> None:
    async def handler(idempotency: Idempotency, expected_version: int | None) -> None:
        """Answer nothing."""

    described = operation_class_of(handler, HttpMethod.PATCH)(parameters=[])

    assert [one.name for one in described.parameters or ()] == ["Idempotency-Key", "If-Match"]  # type: ignore[union-attr]
