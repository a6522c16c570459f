"""Workers that show a worker token over a broker: who is let in, and until when."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
from msgspec import structs

from tests.fixtures.comers import come
from tests.fixtures.jobs import JobsWorld, SpokenWorker, make_jobs, news_seconds_max
from tests.fixtures.queues import BrokerPlace, broker_place
from tests.fixtures.stores import until
from tests.fixtures.worker_tokens import Changes, Tokens
from tidemill.core.config import Config
from tidemill.core.config.sections.storing import MessageQueue
from tidemill.core.config.sections.working import Worker
from tidemill.jobs.contract import JobState
from tidemill.jobs.dispatching.brokers.dialer import BrokerDialer
from tidemill.jobs.dispatching.brokers.doors import BrokerDoor, Ways
from tidemill.jobs.execution.worker.options import WorkerOptions
from tidemill.jobs.protocol.messages import Hello, Isolation, Refused, protocol_version
from tidemill.runtime.job_queues import broker_way

pytestmark = pytest.mark.anyio


class Site:
    """A dispatcher that needs tokens at its broker, and workers that come with some."""

    def __init__(self, world: JobsWorld, place: BrokerPlace) -> None:
        self.world, self.place = world, place
        self.tokens, self.changes = Tokens(), Changes()
        self._dialers: list[BrokerDialer] = []

    def needs_tokens(self, *, needed: bool = True) -> None:
        """Let the next dispatcher have its door."""
        options = structs.replace(self.place.names(), worker_tokens=needed)
        ways = Ways(queues=self.place.queues(), options=options, leads=lambda: True)
        self.world.doors = (partial(BrokerDoor, ways, lambda: self.tokens, self.changes),)

    async def come(self, token: str) -> SpokenWorker:
        """Connect a worker; return it once it was welcomed or refused."""
        dialer = BrokerDialer(self.place.queues(), self.place.names(), "worker-1", slots=1)
        self._dialers.append(dialer)
        hello = Hello(
            version=protocol_version,
            worker_id="worker-1",
            secret=token,
            host="there",
            slots=1,
            tags=("default",),
            isolations=(Isolation.FORK, Isolation.SANDBOX),
        )
        return await come(dialer.connect, hello)

    async def close(self) -> None:
        """Remove the workers' queues."""
        for dialer in self._dialers:
            await dialer.close()


@pytest.fixture(
    params=["nats", pytest.param("amqp", marks=pytest.mark.full(reason="NATS stands for both"))]
)
async def site(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Site]:
    async with make_jobs("sqlite", tmp_path) as world, broker_place(request.param) as place:
        world.options = structs.replace(world.options, directory=None)
        made = Site(world, place)
        made.needs_tokens()
        yield made


async def test_broker_integration_lets_a_worker_in_by_its_token(site: Site) -> None:
    async with site.world.dispatching_now() as dispatcher:
        worker = await site.come("one")
        job = await site.world.a_job()
        await worker.end(await worker.assignment(job), result=b"6")
        sessions = set(dispatcher.sessions)
        await site.close()

    assert (await site.world.job(job)).state is JobState.SUCCEEDED
    assert sessions == {"worker-1@one"}


@pytest.mark.parametrize(("token", "reason"), [("guess", "unknown"), ("", "need a token")])
async def test_broker_integration_hears_nothing_of_a_worker_without_a_good_token(
    site: Site, token: str, reason: str
) -> None:
    async with site.world.dispatching_now() as dispatcher:
        job = await site.world.a_job()
        worker = await site.come(token)
        await until(lambda: worker.gone, seconds=news_seconds_max)
        sessions = set(dispatcher.sessions)
        await site.close()

    assert reason in _reason(worker)
    assert (worker.welcome, worker.assigned, sessions) == (None, {}, set())
    assert (await site.world.job(job)).state is JobState.QUEUED


async def test_broker_integration_sends_a_worker_away_whose_token_is_revoked(site: Site) -> None:
    async with site.world.dispatching_now() as dispatcher:
        worker = await site.come("one")
        site.tokens.valid.discard("one")
        site.changes.revoke("one")
        await until(lambda: worker.gone, seconds=news_seconds_max)
        await until(lambda: not dispatcher.sessions, seconds=news_seconds_max)
        again = await site.come("one")
        await site.close()

    assert "has ended" in _reason(worker)
    assert "ended" in _reason(again)


async def test_broker_integration_takes_workers_without_a_token_where_none_is_needed(
    site: Site,
) -> None:
    site.needs_tokens(needed=False)
    async with site.world.dispatching_now():
        bare, known = await site.come(""), await site.come("two")
        guess = await site.come("guess")
        await site.close()

    assert bare.welcome is not None
    assert known.welcome is not None
    assert "unknown" in _reason(guess)


async def test_broker_integration_way_of_a_worker_shows_the_token_of_its_file(
    site: Site, tmp_path: Path
) -> None:
    file = tmp_path / "worker.token"
    file.write_text("one\n")
    queue, direct = site.place.names(), site.place.direct
    config = Config(
        worker=Worker(token_file=str(file)),
        message_queue=MessageQueue(
            url=direct.url,
            carries_jobs=True,
            task_queue=queue.task_queue,
            status_queue=queue.status_queue,
        ),
    )
    options = WorkerOptions(worker_id="w", socket_directory=tmp_path, run_directory=tmp_path)

    async with broker_way(config)(options) as connect:
        _, secret = await connect()

    assert secret == "one"


def _reason(worker: SpokenWorker) -> str:
    refused = worker.other[-1]
    assert isinstance(refused, Refused)
    return refused.reason
