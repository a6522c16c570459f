"""Every operation of the API's document, with inputs made from the document itself.

No input makes the server fail, and each answer has a status, a type, an ETag and a body that the
document tells of. Half of the requests name objects that exist, so that they reach past the
look-up.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any, Final

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.generation.feedback import FeedbackSources
from schemathesis.pytest._test_builder import build_operation_test
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.fixtures.client import Client, log_in
from tests.fixtures.server import API_ROLE, Server
from tests.fixtures.tiers import FULL, NORMAL

DOCUMENT: Final = Path(__file__).resolve().parents[3] / "docs" / "api" / "openapi.json"
# An operation's description calls for some forty inputs: each change tries every eighth.
tried_of: Final = {NORMAL: slice(0, None, 8), FULL: slice(None)}
examples_max: Final = {NORMAL: 2, FULL: 5}
answer_seconds_max: Final = 60
# It answers until the client leaves; tests/integration/events is about it.
_ENDLESS: Final = "/api/v1/events"


def etags_are_documented(
    _context: schemathesis.CheckContext, response: schemathesis.Response, case: Any
) -> None:
    """Find an ETag that the document does not tell of, which the other checks let pass."""
    documented = case.operation.definition.raw["responses"].get(str(response.status_code), {})
    assert "etag" not in response.headers or "ETag" in documented.get("headers", {})


CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    etags_are_documented,
]


@schemathesis.serializer("application/x-ndjson")
def _lines(_context: schemathesis.SerializationContext, value: Any) -> bytes:
    """Send a text as it is, and anything else as the one line of JSON that it makes."""
    text = value if isinstance(value, str) else json.dumps(value)
    return text.encode("utf-8", errors="surrogatepass")


schema = schemathesis.openapi.from_path(str(DOCUMENT)).exclude(path=_ENDLESS)
OPERATIONS: Final = {
    found.ok().label: found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)
}
_turn = itertools.count()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    limits = {"limits.logins_per_minute": "0", "limits.requests_per_minute": "0"}
    with Server(command=API_ROLE, settings=limits) as server:
        yield server


@pytest.fixture(scope="module")
def owner(server: Server) -> Iterator[Client]:
    """Log in; act by an API token, which no operation can end without knowing its id."""
    with log_in(server.url) as person:
        scopes = {"name": "schemathesis", "scopes": ["admin"], "expires_in_days": 1}
        token = person.post("/api-tokens", scopes)["token"]
    with Client(server.url, token) as client:
        yield client


@pytest.fixture(scope="module")
def session(owner: Client) -> Iterator[requests.Session]:
    """Keep a connection as the owner, and no cookies: the token alone says who asks."""
    with requests.Session() as session:
        session.trust_env = False  # To look for proxies takes as long as a request.
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        session.headers["Authorization"] = f"Bearer {owner.token}"
        yield session


class Known(Mapping[str, str]):
    """Ids of objects that exist, by the names that inputs have; each is made when it is named."""

    def __init__(self, owner: Client) -> None:
        self._owner = owner
        self._key = f"T{next(_turn)}"

    def __getitem__(self, name: str) -> str:
        return str(getattr(self, name))

    def __iter__(self) -> Iterator[str]:
        return iter(_NAMES)

    def __len__(self) -> int:
        return len(_NAMES)

    emoji = "👍"
    key = "log.level"

    @cached_property
    def project_id(self) -> str:
        return self._made("/projects", key=self._key, name="Tides")

    @cached_property
    def item_id(self) -> str:
        item = {"project_id": self.project_id, "item_type": "task", "title": "Read gauges"}
        return self._made("/work-items", **item)

    @property
    def work_item_id(self) -> str:
        return self.item_id

    @cached_property
    def comment_id(self) -> str:
        return self._made(f"/work-items/{self.item_id}/comments", content="Read them")

    @cached_property
    def attachment_id(self) -> str:
        path = f"/work-items/{self.item_id}/attachments?name=a.txt"
        return str(self._owner.upload(path, b"low", "text/plain")["id"])

    @cached_property
    def script_path(self) -> str:
        content = "def main(number: int = 1) -> int:\n    return number\n"
        script = {"path": f"tides/{self._key}", "language": "python", "content": content}
        return str(self._owner.post("/scripts", script)["path"])

    @property
    def path(self) -> str:
        return self.script_path

    @cached_property
    def job_id(self) -> str:
        return self._made("/jobs", script_path=self.script_path)

    @cached_property
    def schedule_id(self) -> str:
        trigger = {"every_seconds": 3_600}
        schedule = {"path": self.script_path, "script_path": self.script_path, "trigger": trigger}
        return self._made("/schedules", **schedule)

    def _made(self, path: str, /, **body: object) -> str:
        return str(self._owner.post(path, body)["id"])


_NAMES: Final = tuple(name for name in vars(Known) if not name.startswith("_"))


@pytest.fixture(scope="module")
def read_by_all(owner: Client) -> Mapping[str, str]:
    """Make objects that operations only read, each alone and in lists."""
    return dict(Known(owner))


@pytest.fixture
def known(label: str, request: pytest.FixtureRequest, owner: Client) -> Mapping[str, str]:
    """Return ids by the names that inputs have, of new objects where they may be changed."""
    if label.startswith("GET "):
        shared: Mapping[str, str] = request.getfixturevalue("read_by_all")
        return shared
    return Known(owner)


# `schema.parametrize()` makes the inputs of every operation when tests are collected, which each
# process of a run would spend more time on than on the rest of its collection.
@pytest.mark.parametrize("label", sorted(OPERATIONS))
def test_api_integration_answers_as_documented(
    label: str,
    server: Server,
    session: requests.Session,
    known: Mapping[str, str],
    attempt: Callable[..., None],
    pytestconfig: pytest.Config,
) -> None:
    load_all_checks()
    answers: Any = build_operation_test(
        config=schema.config,
        operation=OPERATIONS[label],
        test_func=attempt,
        given_kwargs={},
        feedback=FeedbackSources(),
    )
    called_for = answers.hypothesis_explicit_examples
    called_for[:] = called_for[tried_of[pytestconfig.getoption("--tier")]]
    answers(url=server.url, session=session, known=known)


@pytest.fixture(scope="module")
def attempt(pytestconfig: pytest.Config) -> Callable[..., None]:
    """Return what is done with each input, with as many of them as the tier has."""
    with_settings = settings(
        max_examples=examples_max[pytestconfig.getoption("--tier")],
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
        derandomize=True,
        database=None,
    )

    # One of its own: a run may come to this module twice, and settings can be given once.
    def attempt(case: Any, url: str, session: requests.Session, known: Mapping[str, str]) -> None:
        _answers_as_documented(case, url, session, known)

    decorated: Callable[..., None] = with_settings(attempt)
    return decorated


def _answers_as_documented(
    case: Any, url: str, session: requests.Session, known: Mapping[str, str]
) -> None:
    if "wait" in (case.query or {}):
        case.query["wait"] = 0.2  # No worker runs: the job never ends.
    if next(_turn) % 2:
        _name_what_exists(case, known)
    # Stronger than a header that was made up.
    authorization = {"Authorization": session.headers["Authorization"]}
    response = case.call(
        base_url=url, session=session, headers=authorization, timeout=answer_seconds_max
    )
    case.validate_response(response, checks=CHECKS)


def _name_what_exists(case: Any, known: Mapping[str, str]) -> None:
    if isinstance(case.body, str):
        case.body = case.body.replace("f/nightly", known["script_path"])
    for part in (case.path_parameters, case.query, case.body):
        if isinstance(part, dict):
            for name in part.keys() & known.keys():
                part[name] = known[name]
