"""What the job of a schedule asks for."""

from __future__ import annotations

from tidemill.core.clock import Instant
from tidemill.jobs.requirements.models import Requires
from tidemill.jobs.scheduling.schedules.models import Definition
from tidemill.jobs.scheduling.schedules.requests import job_request


def test_job_request_asks_for_the_worker_that_the_schedule_names() -> None:
    requires = Requires(cpu=2, labels=("gpu",))
    definition = Definition(script_path="film", requires=requires, affinity_key="films")

    request = job_request(definition, Instant(0))

    assert (request.requires, request.affinity_key) == (requires, "films")
