"""Scripts of `http`: one request, written as a JSON document with places for arguments.

    {
      "method": "POST",
      "url": "https://api.example.org/stations/{station}/readings",
      "headers": {"X-Source": "tidemill"},
      "body": {"level": "{level}", "note": "at {station}"},
      "auth": "{api}",
      "args": {"level": {"type": "number"}}
    }

A text that is one place alone keeps the type of its argument; within a longer text it is encoded
for where it stands.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

from tidemill.core.wording import told
from tidemill.jobs.errors import ScriptInvalid
from tidemill.jobs.execution.languages.models import Schema, object_schema

_PLACE: Final = re.compile(r"\{([A-Za-z_]\w*)((?:\.\w+)*)\}")
_REPEATABLE: Final = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
_RETRIED: Final = (429, 502, 503, 504)


class HttpRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The document. `expect` empty means every status below 400."""

    url: Annotated[str, Meta(min_length=1, max_length=4000)]
    method: Annotated[str, Meta(pattern="^(GET|HEAD|OPTIONS|POST|PUT|PATCH|DELETE)$")] = "GET"
    query: dict[str, Any] = {}
    headers: dict[str, str] = {}
    body: Any = None
    auth: Annotated[str, Meta(pattern=r"^\{[A-Za-z_]\w*\}$")] | None = None
    args: dict[str, dict[str, Any]] = {}
    timeout_seconds: Annotated[float, Meta(gt=0, le=600)] = 30
    retries: Annotated[int, Meta(ge=0, le=10)] | None = None
    retry_statuses: tuple[Annotated[int, Meta(ge=100, le=599)], ...] = _RETRIED
    redirects_max: Annotated[int, Meta(ge=0, le=20)] = 5
    expect: tuple[Annotated[int, Meta(ge=100, le=599)], ...] = ()

    @property
    def tries_again(self) -> int:
        """Return how often it is tried again; what may not be safe to repeat is not by itself."""
        if self.retries is not None:
            return self.retries
        return 2 if self.method in _REPEATABLE else 0

    @property
    def defaults(self) -> dict[str, Any]:
        """Return the defaults of its arguments."""
        return {name: one["default"] for name, one in self.args.items() if "default" in one}

    @property
    def schema(self) -> Schema:
        """Return the JSON Schema of its arguments."""
        resource = self.auth.strip("{}") if self.auth else None
        properties: Schema = {}
        for name, is_object in self._places():
            whole = {"type": ["object", "string"], "pattern": r"^\$res:"}
            if name == resource:
                properties[name] = self.args.get(name, {**whole, "format": "resource-http"})
            elif name not in properties or is_object:
                properties[name] = self.args.get(name, whole if is_object else {})
        required = [name for name in properties if name not in self.defaults]
        return object_schema(properties, required)

    def _places(self) -> Iterator[tuple[str, bool]]:
        texts = [self.url, *_texts(self.query), *_texts(self.headers), *_texts(self.body)]
        if self.auth:
            texts.append(self.auth)
        for text in texts:
            for match in _PLACE.finditer(text):
                yield match[1], bool(match[2])
        for name in self.args:
            yield name, False


def parse_http(content: str) -> HttpRequest:
    """Return the request that `content` describes; raises `ScriptInvalid`."""
    try:
        found = json.loads(content)
    except json.JSONDecodeError as error:
        raise ScriptInvalid(
            f"This is no valid JSON: {error.msg}.", line=error.lineno, column=error.colno
        ) from None
    except RecursionError:
        raise ScriptInvalid("This JSON is nested too deeply.", line=1) from None
    try:
        request = msgspec.convert(found, HttpRequest)
    except msgspec.ValidationError as error:
        raise ScriptInvalid(f"A request of http: {told(error)}") from None
    _check_url(request.url)
    return request


def _check_url(url: str) -> None:
    begins = _PLACE.match(url)
    parts = urlsplit(_PLACE.sub("x", url))
    if begins and begins[2]:
        return
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username:
        raise ScriptInvalid(
            "url must begin with http:// or https:// and a host, or with a part of a resource "
            "such as {api.base_url}."
        )
    authority = re.match(r"[a-z]+://[^/?#]*", url)
    if authority is None or _PLACE.search(authority[0]):
        raise ScriptInvalid(
            "The host of url must be written out; only a part of a resource such as "
            "{api.base_url} may stand for it."
        )


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
