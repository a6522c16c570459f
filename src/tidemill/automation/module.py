"""Automation as the runtime sees it."""

from __future__ import annotations

from typing import Final

from tidemill.automation.job_links.models import FOLLOWED
from tidemill.automation.job_links.service import JobLinks
from tidemill.board import BOARD
from tidemill.core.module import Module, Offer, Parts, Projection
from tidemill.jobs import WORK_ITEM_LINKS


def build(parts: Parts) -> Offer:
    """Return what automation offers to a process."""
    links = JobLinks(parts.get(BOARD))
    return Offer(
        provides={WORK_ITEM_LINKS: links},
        projections=(Projection(name="automation.job_links", facts=FOLLOWED, apply=links.apply),),
    )


MODULE: Final = Module(name="automation", build=build, requires=(BOARD,))
