from __future__ import annotations

import pytest

from tidemill.cli.failures import CommandFailed
from tidemill.cli.times import duration, instant_of, second_of, seconds_of


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("10m", 600), ("2h30m", 9_000), ("1d", 86_400), ("1d1s", 86_401)],
)
def test_seconds_of_reads_durations(text: str, seconds: int) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "m", "-5m", "1h2d"])
def test_seconds_of_refuses_what_is_none(text: str) -> None:
    with pytest.raises(CommandFailed):
        seconds_of(text)


def test_instant_of_takes_instants_with_their_zone() -> None:
    assert instant_of("2026-01-31T12:00:00+02:00") == "2026-01-31T10:00:00Z"
    assert instant_of(None) is None


def test_instant_of_takes_durations_ago() -> None:
    earlier, later = instant_of("2h"), instant_of("1h")

    assert earlier is not None
    assert later is not None
    assert earlier < later


def test_instant_of_refuses_what_is_none() -> None:
    with pytest.raises(CommandFailed):
        instant_of("yesterday")


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (59, "59s"), (5_400, "1h30m"), (90_061, "25h1m1s")]
)
def test_duration_says_seconds_as_people_do(seconds: int, text: str) -> None:
    assert duration(seconds) == text


def test_second_of_takes_instants_and_durations_ago() -> None:
    assert second_of("2026-03-02T10:00:00+01:00") == 1_772_442_000
    assert second_of(None) is None
