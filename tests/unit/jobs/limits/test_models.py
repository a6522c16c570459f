from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.jobs.errors import InvalidJobField
from tidemill.jobs.limits.buckets import Bucket
from tidemill.jobs.limits.models import (
    Concurrency,
    Debounce,
    Limits,
    Rate,
    Strategy,
    Unique,
    UniqueBy,
    check_limits,
    limits_of,
)


@pytest.mark.parametrize(
    ("limits", "param"),
    [
        (Limits(concurrency=Concurrency(limit=0)), "limits.concurrency.limit"),
        (Limits(concurrency=Concurrency(key="{x}")), "limits.concurrency.key"),
        (Limits(concurrency=Concurrency(waiting_max=-1)), "limits.concurrency.waiting_max"),
        (
            Limits(concurrency=Concurrency(strategy=Strategy.CANCEL_RUNNING, waiting_max=1)),
            "limits.concurrency.waiting_max",
        ),
        (Limits(rate=Rate(limit=0)), "limits.rate.limit"),
        (Limits(rate=Rate(limit=1, period_seconds=0)), "limits.rate.period_seconds"),
        (Limits(rate=Rate(limit=20_000)), "limits.rate.limit"),
        (Limits(rate=Rate(limit=1, burst=0)), "limits.rate.burst"),
        (
            Limits(rate=Rate(limit=1, period_seconds=366 * 86_400, burst=2)),
            "limits.rate.burst",
        ),
        (Limits(unique=Unique(by=UniqueBy.ALL, key="k")), "limits.unique.by"),
        (Limits(unique=Unique(window_seconds=-1)), "limits.unique.window_seconds"),
        (Limits(unique=Unique(), debounce=Debounce(seconds=1)), "limits.debounce"),
        (Limits(debounce=Debounce(seconds=5, max_seconds=2)), "limits.debounce.max_seconds"),
        (Limits(debounce=Debounce(seconds=5), cache_seconds=1), "limits.cache_seconds"),
        (Limits(debounce=Debounce(seconds=5), ttl_seconds=5), "limits.debounce.seconds"),
        (Limits(queue_timeout_seconds=9, ttl_seconds=9), "limits.queue_timeout_seconds"),
        (Limits(cache_seconds=9, result_ttl_seconds=5), "limits.cache_seconds"),
        (Limits(ttl_seconds=float("nan")), "limits.ttl_seconds"),
        (Limits(heartbeat_timeout_seconds=0), "limits.heartbeat_timeout_seconds"),
    ],
)
def test_check_limits_names_the_field_at_fault(limits: Limits, param: str) -> None:
    with pytest.raises(InvalidJobField) as raised:
        check_limits(limits)

    assert raised.value.param == param


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"concurrency": 5}, "limits.concurrency must be a tidemill.Concurrency, not 5."),
        ({"rate": {"limit": 1}}, "limits.rate must be a tidemill.Rate, not {'limit': 1}."),
        ({"debounce": Unique()}, "limits.debounce must be a tidemill.Debounce, not Unique("),
        ({"ttl_seconds": "x"}, "limits.ttl_seconds must be a number, not 'x'."),
        ({"cache_seconds": True}, "limits.cache_seconds must be a number, not True."),
        (
            {"concurrency": Concurrency(limit="2")},  # type: ignore[arg-type]  # what is told
            "limits.concurrency.limit must be a whole number, not '2'.",
        ),
        (
            {"concurrency": Concurrency(key=7)},  # type: ignore[arg-type]  # what is told
            "limits.concurrency.key must be text, not 7.",
        ),
        (
            {"concurrency": Concurrency(strategy="queue")},  # type: ignore[arg-type]  # as above
            "limits.concurrency.strategy must be a tidemill.Strategy, not 'queue'.",
        ),
        (
            {"rate": Rate(limit=1.5)},  # type: ignore[arg-type]  # as above
            "limits.rate.limit must be a whole number, not 1.5.",
        ),
        (
            {"rate": Rate(limit=1, period_seconds=None)},  # type: ignore[arg-type]  # as above
            "limits.rate.period_seconds must be a number, not None.",
        ),
        (
            {"unique": Unique(by="all")},  # type: ignore[arg-type]  # as above
            "limits.unique.by must be a tidemill.UniqueBy, not 'all'.",
        ),
    ],
    ids=str,
)
def test_check_limits_names_the_field_of_another_type(limits: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidJobField) as raised:
        check_limits(Limits(**limits))

    assert str(raised.value).startswith(reason)


def test_check_limits_takes_whole_numbers_of_seconds() -> None:
    check_limits(Limits(rate=Rate(limit=1, period_seconds=60), ttl_seconds=60))


def test_limits_of_a_job_that_keeps_its_result_shorter_ask_nothing_more() -> None:
    """The cache is that of the script, and whoever starts the job has not named it."""
    merged = Limits(result_ttl_seconds=60).over(Limits(cache_seconds=3_600))

    assert merged == Limits(result_ttl_seconds=60, cache_seconds=60)
    check_limits(merged)


def test_limits_of_a_job_stand_over_those_of_its_script() -> None:
    base = Limits(concurrency=Concurrency(limit=2), ttl_seconds=60)

    assert Limits(ttl_seconds=5).over(base) == Limits(
        concurrency=Concurrency(limit=2), ttl_seconds=5
    )


def test_limits_are_the_same_after_their_json() -> None:
    limits = Limits(rate=Rate(limit=3, period_seconds=0.5), cache_seconds=9)

    assert limits_of(limits.to_json() or "") == limits
    assert Limits().to_json() is None


@given(
    limit=st.integers(1, 60),
    period_seconds=st.floats(0.01, 1),
    burst=st.none() | st.integers(1, 20),
    steps=st.lists(st.tuples(st.floats(0, 0.5), st.integers(0, 80)), max_size=40),
)
def test_no_period_has_more_starts_than_a_rate_says(
    limit: int, period_seconds: float, burst: int | None, steps: list[tuple[float, int]]
) -> None:
    rate = Rate(limit=limit, period_seconds=period_seconds, burst=burst)
    bucket, now, starts = Bucket(rate.interval_microseconds, rate.tokens, 0), 1_000_000_000, []
    for share, wanted in steps:
        now += int(share * period_seconds * 1_000_000)
        granted, bucket = bucket.taken(now, wanted=wanted, unstarted=0)
        starts += [now] * granted

    most = limit if burst is None else limit + burst - 1
    for start in starts:
        assert sum(start <= at < start + period_seconds * 1_000_000 for at in starts) <= most


@pytest.mark.parametrize(("limit", "seconds"), [(1, 60), (10, 60), (1_000, 1), (10_000, 1)])
def test_a_rate_without_a_burst_is_nearly_reached(limit: int, seconds: float) -> None:
    rate = Rate(limit=limit, period_seconds=seconds)

    assert rate.interval_microseconds * limit <= seconds * 1_060_000
    # A dispatcher that looks every few milliseconds must keep up.
    assert rate.interval_microseconds * rate.tokens >= 40_000


def test_a_job_expires_at_the_first_of_its_times() -> None:
    limits = Limits(ttl_seconds=10, queue_timeout_seconds=3)

    assert limits.expires_after(0, 5_000_000) == 8_000_000
    assert limits.expires_after(0, 9_000_000) == 10_000_000
    assert Limits().expires_after(0, 0) is None
