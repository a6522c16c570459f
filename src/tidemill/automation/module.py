"""Automation as the runtime sees it."""

from __future__ import annotations

from typing import Final

from tidemill.automation.job_links.models import FOLLOWED
from tidemill.automation.job_links.service import JobLinks
from tidemill.automation.job_times.service import FOLLOWED as ENDS_OF_JOBS
from tidemill.automation.job_times.service import JobTimeBooking
from tidemill.board import BOARD, JOB_TIMES
from tidemill.core.module import Module, Offer, Parts, Projection
from tidemill.jobs import WORK_ITEM_LINKS


def build(parts: Parts) -> Offer:
    """Return what automation offers to a process."""
    links = JobLinks(parts.get(BOARD))
    booking = JobTimeBooking(parts.get(JOB_TIMES))
    return Offer(
        provides={WORK_ITEM_LINKS: links},
        projections=(
            Projection(name="automation.job_links", facts=FOLLOWED, apply=links.apply),
            Projection(name="automation.job_times", facts=ENDS_OF_JOBS, apply=booking.apply),
        ),
    )


MODULE: Final = Module(name="automation", build=build, requires=(BOARD, JOB_TIMES))
