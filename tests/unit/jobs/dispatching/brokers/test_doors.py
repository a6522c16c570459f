"""Who is let in through a broker."""

from __future__ import annotations

import pytest

from tidemill.jobs.dispatching.brokers.doors import everybody
from tidemill.jobs.dispatching.dispatcher.admission import NotAdmitted
from tidemill.jobs.protocol.messages import Hello, protocol_version

pytestmark = pytest.mark.anyio


def _hello(name: str) -> Hello:
    return Hello(
        version=protocol_version,
        worker_id=name,
        secret="",
        host="here",
        slots=1,
        tags=("default",),
        isolations=(),
    )


async def test_what_a_worker_says_that_comes_through_a_broker_is_not_trusted() -> None:
    _, rights = await everybody(_hello("worker-1"))

    assert rights.is_foreign


async def test_a_worker_that_takes_the_name_of_one_with_a_token_is_refused() -> None:
    with pytest.raises(NotAdmitted, match="none of them '@'"):
        await everybody(_hello("worker-1@site-b"))
