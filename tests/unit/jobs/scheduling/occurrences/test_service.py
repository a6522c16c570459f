"""In which order schedules are woken that wait for one another."""

from __future__ import annotations

from typing import Any, cast

from msgspec import Struct

from tidemill.jobs.scheduling.occurrences.service import awaited_first


class Named(Struct, frozen=True):
    path: str


def test_awaited_first_puts_each_behind_what_it_waits_for_over_others_too() -> None:
    """a waits for c, and c for z: by name a would be the first."""
    edges = {"a": ["first", "c"], "c": ["z"], "z": ["first"], "m": ["first"]}

    ordered = awaited_first(cast("Any", [Named("a"), Named("m"), Named("z")]), edges)

    paths = [one.path for one in ordered]
    assert sorted(paths) == ["a", "m", "z"]
    assert paths.index("z") < paths.index("a")


def test_awaited_first_keeps_what_has_just_lost_its_dependency() -> None:
    ordered = awaited_first(cast("Any", [Named("a"), Named("b")]), {"a": ["first"]})

    assert {one.path for one in ordered} == {"a", "b"}
