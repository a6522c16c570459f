from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tidemill.jobs.limits.buckets import Bucket

STEPS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 5)), max_size=30)


def test_bucket_starts_full_and_fills_by_intervals() -> None:
    granted, after = Bucket(10, 3, 0).taken(100, wanted=5, unstarted=0)
    assert (granted, after.next_at) == (3, 110)

    assert after.taken(109, wanted=1, unstarted=0)[0] == 0
    assert after.taken(120, wanted=5, unstarted=0)[0] == 2


@given(interval=st.integers(1, 10), burst=st.integers(1, 5), steps=STEPS)
def test_bucket_never_grants_more_than_its_rate(
    interval: int, burst: int, steps: list[tuple[int, int]]
) -> None:
    bucket, now, grants = Bucket(interval, burst, 0), 1_000, []
    for later, wanted in steps:
        now += later
        granted, bucket = bucket.taken(now, wanted=wanted, unstarted=0)
        grants += [now] * granted

    for first, start in enumerate(grants):
        for last in range(first, len(grants)):
            span = grants[last] - start
            assert last - first + 1 <= burst + span // interval + 1


@given(interval=st.integers(1, 10), burst=st.integers(1, 5), steps=STEPS)
def test_bucket_has_a_token_at_the_time_that_it_names(
    interval: int, burst: int, steps: list[tuple[int, int]]
) -> None:
    bucket, now = Bucket(interval, burst, 0), 1_000
    for later, wanted in steps:
        now += later
        _, bucket = bucket.taken(now, wanted=wanted, unstarted=0)

    at = max(now, bucket.next_at)
    assert bucket.taken(at, wanted=1, unstarted=0)[0] == 1
    if at > now:
        assert bucket.taken(at - 1, wanted=1, unstarted=0)[0] == 0


@given(burst=st.integers(1, 5), unstarted=st.integers(0, 10), waited=st.integers(0, 1_000))
def test_jobs_without_a_worker_keep_their_tokens(burst: int, unstarted: int, waited: int) -> None:
    granted, _ = Bucket(10, burst, 0).taken(waited, wanted=100, unstarted=unstarted)

    assert granted + min(unstarted, burst) <= burst
