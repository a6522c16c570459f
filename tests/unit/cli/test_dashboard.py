from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from tidemill.cli.dashboard import Seen, frame, sorted_tags

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)


def a_tag(name: str, queued: int = 0, running: int = 0, **fields: Any) -> dict[str, Any]:
    return {
        "tag": name,
        "queued": queued,
        "waiting": 0,
        "scheduled": 0,
        "running": running,
        "oldest_due_at": "2026-11-21T11:59:30Z" if queued else None,
        "paused": False,
        **fields,
    }


def a_worker(name: str, state: str = "connected", **fields: Any) -> dict[str, Any]:
    return {
        "id": name,
        "state": state,
        "slots": 4,
        "running": 3,
        "tags": ["default"],
        "labels": ["gpu"],
        "resident_bytes": 64 * 1024 * 1024,
        "seen_at": "2026-11-21T11:59:58Z",
        **fields,
    }


SEEN = Seen(
    url="http://here:3000",
    at=NOW,
    tags=[a_tag("default", 2, 3), a_tag("slow", 40), a_tag("night", paused=True)],
    workers=[a_worker("one"), a_worker("two", "lost")],
)


def test_frame_shows_queues_with_most_waiting_first_and_workers() -> None:
    lines = frame(SEEN, 120, 40)

    assert lines[0] == "Tidemill  12:00:00  sorted by waiting  http://here:3000"
    assert lines[1] == "42 waiting  3 running"
    assert [line.split()[0] for line in lines[3:7]] == ["QUEUE", "slow", "default", "night"]
    assert lines[4].split() == ["slow", "40", "0", "0", "0", "30s"]
    assert "(paused)" in lines[6]
    assert lines[9].split() == ["one", "connected", "████████░░", "3/4", "64", "MiB", "2s",
                                "default,", "gpu"]  # fmt: skip
    assert "lost" in lines[10]


def test_frame_fits_its_screen_and_says_what_it_leaves_out() -> None:
    many = replace(SEEN, tags=[a_tag(f"tag-{number}", number) for number in range(100)])

    lines = frame(many, 60, 20)

    assert len(lines) < 20
    assert max(map(len, lines)) <= 60
    assert any("more tags" in line for line in lines)
    assert any(line.startswith("two") for line in lines), "workers keep their place"


def test_frame_shows_every_figure_on_eighty_columns() -> None:
    tags = [a_tag("default", 9_999_999, 50_000)]
    url = "https://tidemill.harbour.example.org:3000"
    busy = replace(SEEN, tags=tags, url=url, ended_per_second=31_234.5, failed_per_second=1_234.5)

    lines = frame(busy, 80, 24)

    assert lines[0].startswith("Tidemill  12:00:00  sorted by waiting  https://tidemill.harbour")
    assert lines[1] == "9999999 waiting  50000 running  31234.5 ended/s  1234.5 failed/s"


def test_frame_cuts_colours_without_breaking_them() -> None:
    lines = frame(replace(SEEN, color=True), 30, 40)

    for line in lines:
        assert line.count("\x1b[") % 2 == 0, "what is coloured ends"


def test_frame_leaves_nothing_that_drives_the_terminal() -> None:
    lines = frame(replace(SEEN, workers=[a_worker("a\x1b]0;b")]), 120, 40)

    assert not any("\x1b" in line for line in lines)


def test_frame_says_why_it_shows_nothing_newer() -> None:
    lines = frame(replace(SEEN, trouble="The server is away."), 120, 40)

    assert lines[-1] == "The server is away."


def test_sorted_tags_sorts_by_what_is_chosen() -> None:
    assert next(tag["tag"] for tag in sorted_tags(SEEN.tags, "running")) == "default"
    assert [tag["tag"] for tag in sorted_tags(SEEN.tags, "name")] == ["default", "night", "slow"]
