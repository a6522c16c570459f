"""When a turn of the dispatcher begins, and its transactions."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Final

from tidemill.jobs.dispatching.dispatcher.models import Demand, Ended, Ring, Turn
from tidemill.jobs.dispatching.dispatcher.service import Dispatching
from tidemill.jobs.dispatching.dispatcher.sessions import Session
from tidemill.jobs.queueing.queue.models import Job

gather_seconds: Final = 0.002
gathered_min: Final = 32
"""From how many jobs of the last turn, or short ones with workers, on outcomes are waited for."""

Done = tuple[Turn | BaseException, Sequence[Job] | BaseException]


def pause_of(claimed: int, sessions: Iterable[Session], ended: int) -> float:
    """Return the seconds to wait before the next turn, when the last one `claimed` jobs.

    When many short jobs run, a moment brings the outcomes of most of them into one turn.
    """
    out = max(claimed, sum(one.brisk for one in sessions))
    return gather_seconds if out >= gathered_min and ended < out // 2 else 0


async def take_turn(
    dispatching: Dispatching,
    ended: Sequence[Ended],
    followed: Sequence[Ended],
    demands: Sequence[Demand],
    ring: Ring,
    *,
    leads: bool,
) -> Done:
    """End attempts and claim the next jobs; return what each transaction did, or its failure.

    When one fails, what the other did still counts. Most turns need one transaction, which is asked
    for before anything is awaited.
    """
    if followed:
        return await asyncio.gather(
            dispatching.turn(ended, demands, ring, leads=leads),
            dispatching.end_followed(followed),
            return_exceptions=True,
        )
    if not (ended or demands or leads):
        return Turn(ring=ring), ()
    try:
        return await dispatching.turn(ended, demands, ring, leads=leads), ()
    except Exception as failure:  # noqa: BLE001 - the caller raises it
        return failure, ()
