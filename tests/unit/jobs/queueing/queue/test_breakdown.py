from __future__ import annotations

from typing import cast

from tidemill.core.clock import Instant
from tidemill.core.figures import Sample, Spread
from tidemill.core.ids import TenantId
from tidemill.jobs.queueing.queue.breakdown import OTHER, Breakdown, TagCount, TagSlots, scripts_max
from tidemill.jobs.queueing.queue.claims import Claimed
from tidemill.jobs.queueing.specs.models import Spec


def a_job(script: str | None = "double", tag: str = "default") -> Claimed:
    spec = Spec("t", tag, "sandbox", 0, "{}", script, "python", "hash", None, 60, 1)
    return Claimed(spec, TenantId("t"), "id", 1, 1, Instant(0), "{}")


def samples(breakdown: Breakdown, name: str, now: int = 0) -> dict[tuple[str, ...], float]:
    figure = next(one for one in breakdown.figures(lambda: now) if one.name == name)
    return {one.labels: one.value for one in figure.read() if isinstance(one, Sample)}


def test_breakdown_counts_by_tag_and_script() -> None:
    breakdown = Breakdown()
    job = a_job()
    breakdown.of(job).began(1_000_000, 3_000_000)
    breakdown.of(job).ended(3_000_000, 3_500_000)
    breakdown.ended(job, "succeeded")
    breakdown.ended(a_job(None), "failed")
    breakdown.of(job).retries += 1

    figures = {one.name: one for one in breakdown.figures(lambda: 0)}
    waited = cast("Spread", next(iter(figures["tidemill_script_wait_seconds"].read())))

    assert samples(breakdown, "tidemill_script_jobs_completed_total") == {
        ("default", "double", "succeeded"): 1,
        ("default", "python", "failed"): 1,
    }
    assert (waited.labels, waited.sum, sum(waited.counts)) == (("default", "double"), 2.0, 1)
    assert samples(breakdown, "tidemill_script_retries_total")["default", "double"] == 1


def test_breakdown_counts_scripts_beyond_its_bound_as_other() -> None:
    breakdown = Breakdown()
    for number in range(scripts_max + 50):
        breakdown.ended(a_job(f"script-{number}"), "succeeded")
    breakdown.ended(a_job("script-0"), "succeeded")

    found = samples(breakdown, "tidemill_script_jobs_completed_total")

    assert len(found) == scripts_max + 1
    assert found[OTHER, OTHER, "succeeded"] == 50
    assert found["default", "script-0", "succeeded"] == 2


def test_breakdown_tells_queues_and_slots_of_tags() -> None:
    breakdown = Breakdown()
    breakdown.tags = [
        TagCount("default", "queued", 3, 1_000_000),
        TagCount("default", "running", 2, 0),
        TagCount("gpu", "queued", 1, 4_000_000),
    ]
    breakdown.slots = lambda: [TagSlots("default", 5, 2)]

    assert samples(breakdown, "tidemill_tag_jobs")["default", "queued"] == 3
    assert samples(breakdown, "tidemill_tag_oldest_age_seconds", now=5_000_000) == {
        ("default",): 4.0,
        ("gpu",): 1.0,
    }
    assert samples(breakdown, "tidemill_tag_slots") == {
        ("default", "free"): 3,
        ("default", "taken"): 2,
    }


def test_breakdown_tells_the_whole_as_the_sum_of_its_parts() -> None:
    breakdown = Breakdown()
    for script in ("a", "b"):
        breakdown.of(a_job(script)).ended(0, 2_000_000)
        breakdown.ended(a_job(script), "succeeded")

    figures = {one.name: one for one in breakdown.figures(lambda: 0)}
    ran = cast("Spread", next(iter(figures["tidemill_job_run_seconds"].read())))

    assert (ran.labels, ran.sum, sum(ran.counts)) == ((), 4.0, 2)
    assert samples(breakdown, "tidemill_jobs_completed_total") == {("succeeded",): 2}


def test_breakdown_of_nothing_is_empty() -> None:
    figures = {one.name: one for one in Breakdown().figures(lambda: 0)}

    told = figures["tidemill_job_run_seconds"].read()

    assert [sum(cast("Spread", one).counts) for one in told] == [0]
