from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest
from msgspec import Struct

import tidemill.runtime.catalog  # noqa: F401 - with it, every feature's facts are declared
from tidemill.cli.facts import TOLD, words_of
from tidemill.core.facts import Fact, every_fact

FACTS = {
    fact.__name__: fact
    for fact in every_fact()
    if fact.__module__.startswith("tidemill.") and not fact.__subclasses__()
}
UPDATES: dict[str, dict[str, Any]] = {
    "JobStateChanged": {"job_id": "j1", "state": "running", "attempt": 1, "error": None},
    "PresenceChanged": {
        "topic": "work-item:i1",
        "people": [{"user_id": "ada", "kind": "user", "typing": True}],
        "count": 3,
    },
    "JobProgress": {"job_id": "j1", "percent": 50.0, "text": "half way"},
    "JobMetrics": {"job_id": "j1", "values": {"rows": 3}},
}


def data_of(fact: type[Fact]) -> dict[str, Any]:
    """Return such a fact as it comes over the stream, with every field filled."""
    data: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(_example(fact)))
    return data


def _example(kind: Any) -> Any:
    arguments = get_args(kind)
    match get_origin(kind):
        case origin if origin in {Union, UnionType}:
            return _example(next(one for one in arguments if one is not type(None)))
        case origin if origin is tuple:
            return (_example(arguments[0]),)
        case origin if origin is Mapping:
            return {_example(arguments[0]): _example(arguments[1])}
    kind = getattr(kind, "__supertype__", kind)
    if issubclass(kind, Struct):
        hints = get_type_hints(kind)
        return kind(**{name: _example(hints[name]) for name in kind.__struct_fields__})
    if issubclass(kind, Enum):
        return next(iter(kind))
    return {str: "text", bool: True, int: 1_700_000_000_000_000, msgspec.Raw: msgspec.Raw(b"5")}[
        kind
    ]


@pytest.mark.parametrize("name", sorted(FACTS))
def test_words_of_tells_every_fact_without_json(name: str) -> None:
    words = words_of(name, data_of(FACTS[name]))

    assert words
    assert not set(words) & set('{}[]"')
    assert "None" not in words


def test_told_names_what_the_system_tells_of_and_nothing_else() -> None:
    assert set(TOLD) == FACTS.keys() | UPDATES.keys()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("JobStateChanged", "j1  running"),
        ("PresenceChanged", "work-item:i1  ada types  and 2 others"),
        ("JobProgress", "j1  50 %  half way"),
        ("JobMetrics", "j1  rows=3"),
    ],
)
def test_words_of_tells_updates_of_jobs(name: str, words: str) -> None:
    assert words_of(name, UPDATES[name]) == words


def test_words_of_a_queued_job_names_what_runs() -> None:
    job = {"script_path": "a/five", "job_id": "j1", "queued_at": 1, "run_at": 1}

    assert words_of("JobQueued", job) == "a/five  j1"
    assert "runs at" in str(words_of("JobQueued", job | {"run_at": 2}))


def test_words_of_leaves_to_others_what_it_does_not_know() -> None:
    assert words_of("MoonRose", {"at": 1}) is None
