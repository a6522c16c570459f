"""Marks attempts as begun; what a worker said that the books do not take is refused by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import structlog

from tidemill.core.log_context import job_fields
from tidemill.core.store_errors import StoreUnavailable
from tidemill.jobs.dispatching.dispatcher.models import Begun
from tidemill.jobs.dispatching.dispatcher.service import Dispatching
from tidemill.jobs.queueing.queue.claims import Claimed

log = structlog.get_logger(__name__)

Beginning = tuple[Begun, Claimed]

_AWAY: Final = (StoreUnavailable, OSError)
"""What says nothing of a row: the same one may go in later."""


async def mark_begun(
    dispatching: Dispatching, plain: Sequence[Beginning], followed: Sequence[Beginning]
) -> list[Begun]:
    """Mark attempts as running; return what was refused.

    The job of a refused one stays as it is until it ends: if it failed the turn, it would do so
    again and again, for everybody's jobs. Raises while the store is away.
    """
    refused = [begun for one in followed for begun in await _refused(dispatching, one)]
    if not plain:
        return refused
    try:
        await dispatching.begin([begun for begun, _ in plain])
    except _AWAY:
        raise
    except Exception:  # noqa: BLE001 - each is tried alone, which tells the wrong one
        refused += [begun for one in plain for begun in await _refused(dispatching, one)]
    return refused


async def _refused(dispatching: Dispatching, one: Beginning) -> list[Begun]:
    begun, job = one
    try:
        if job.followed:
            await dispatching.begin_followed(begun)
        else:
            await dispatching.begin([begun])
    except _AWAY:
        raise
    except Exception as error:  # noqa: BLE001 - one row must not stop the others
        log.warning("dispatcher.begin.refused", reason=str(error), **job_fields(job))
        return [begun]
    return []
