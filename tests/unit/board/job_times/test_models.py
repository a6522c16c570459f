from __future__ import annotations

from msgspec import structs

from tidemill.board.contract import ProjectId
from tidemill.board.job_times.models import TimeSettings, changed, job_span
from tidemill.core.clock import Instant


def test_changed_makes_a_version_of_a_difference_alone() -> None:
    never = TimeSettings(ProjectId("p"))

    on = changed(never, books_jobs=True, at=Instant(5), by="u")
    off = changed(on, books_jobs=False, at=Instant(7), by="u")

    assert changed(never, books_jobs=False, at=Instant(5), by="u") is never
    assert changed(on, books_jobs=True, at=Instant(6), by="u") is on
    assert (on.version, on.jobs_booked_since) == (1, 5)
    assert off == structs.replace(on, version=2, jobs_booked_since=None, updated_at=Instant(7))


def test_job_span_counts_a_second_that_has_begun() -> None:
    span = job_span(Instant(10_700_000), Instant(12_800_000))

    assert (span.started_at, span.ended_at) == (10_000_000, 13_000_000)
    assert job_span(Instant(5_000_000), Instant(4_000_000)).seconds == 0
