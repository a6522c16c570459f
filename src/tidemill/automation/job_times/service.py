"""Joins jobs and time tracking: what a job took is booked on its item."""

from __future__ import annotations

from typing import Final

from msgspec import structs

from tidemill.board import JobTime, JobTimes, WorkItemId
from tidemill.core.actor import system
from tidemill.core.facts import RecordedFact, decode_fact
from tidemill.core.ports import Tx
from tidemill.jobs import JobFinished

FOLLOWED: Final = (JobFinished,)


class JobTimeBooking:
    """Follows the ends of jobs."""

    def __init__(self, job_times: JobTimes) -> None:
        self._job_times = job_times

    def apply(self, tx: Tx, recorded: RecordedFact) -> None:
        """Book the time of the job that `recorded` tells of, if it ran for an item."""
        fact = decode_fact(recorded, JobFinished)
        if fact.work_item_id is None or fact.started_at is None:
            return
        person = recorded.actor.user_id or recorded.actor.id
        by = structs.replace(system("automation", recorded.tenant_id), on_behalf_of=person)
        job = JobTime(
            id=fact.job_id,
            user_id=person,
            started_at=fact.started_at,
            finished_at=fact.finished_at,
            description=fact.script_path or fact.function,
        )
        self._job_times.book(tx, WorkItemId(fact.work_item_id), job, by=by)
