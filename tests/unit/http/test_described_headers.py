from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

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
    ],
)
def test_openapi_names_the_headers_that_a_route_reads(
    method: str, path: str, names: set[str]
) -> None:
    assert _headers(method, path).keys() == names


@pytest.mark.parametrize(
    ("header", "taken", "refused"),
    [
        ("If-Match", ['"v3"', 'W/"v12"', "*"], ["v3", '"3"', ""]),
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

    described = operation_class_of(handler)(parameters=[])

    assert [one.name for one in described.parameters or ()] == ["Idempotency-Key", "If-Match"]  # type: ignore[union-attr]
