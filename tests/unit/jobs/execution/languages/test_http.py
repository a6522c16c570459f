from __future__ import annotations

import json
from typing import Any

import pytest

from tidemill.jobs.errors import ScriptInvalid
from tidemill.jobs.execution.languages.http import parse_http


def test_parse_http_finds_its_arguments() -> None:
    document = {
        "url": "{api.base_url}/at/{station}",
        "query": {"page": "{page}"},
        "body": {"deep": [{"level": "{level}"}]},
        "auth": "{api}",
        "args": {"page": {"type": "integer", "default": 1}, "level": {"type": "number"}},
    }

    schema = parse_http(json.dumps(document)).schema

    assert schema["properties"]["api"]["format"] == "resource-http"
    assert schema["properties"]["level"] == {"type": "number"}
    assert sorted(schema["required"]) == ["api", "level", "station"]


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, "url"),
        ({"url": "https://x.org", "method": "BREW"}, "method"),
        ({"url": "https://x.org", "colour": "red"}, "colour"),
        ({"url": "ftp://x.org"}, "http://"),
        ({"url": "https://user:pw@x.org"}, "http://"),
        ({"url": "https://{sub}.x.org"}, "written out"),
        ({"url": "https://x.org{path}"}, "written out"),
        ({"url": "{base}/x"}, "http://"),
        ({"url": "https://x.org", "timeout_seconds": 0}, "timeout_seconds"),
    ],
)
def test_parse_http_names_what_is_wrong(document: dict[str, Any], message: str) -> None:
    with pytest.raises(ScriptInvalid, match=message):
        parse_http(json.dumps(document))


@pytest.mark.parametrize(("method", "tries"), [("GET", 2), ("PUT", 2), ("POST", 0), ("PATCH", 0)])
def test_parse_http_repeats_by_itself_what_is_safe(method: str, tries: int) -> None:
    request = parse_http(json.dumps({"url": "https://x.org", "method": method}))

    assert request.tries_again == tries
