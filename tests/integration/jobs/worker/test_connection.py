"""A worker and its dispatcher lose each other, and lose nothing else."""

from __future__ import annotations

import asyncio

import pytest

from tests.integration.jobs.worker.conftest import StartWorker
from tests.integration.jobs.worker.dispatcher import Dispatcher, eventually, job, succeeded
from tidemill.jobs.protocol.messages import Channel, Drain, Held, Isolation, Verdict
from tidemill.jobs.protocol.receiving import Windows

pytestmark = pytest.mark.anyio

SLEEPS = "import time\ndef main():\n    print('asleep')\n    time.sleep(60)"
WAITS = (
    "import os, time\ndef main(gate):\n"
    "    print('waiting')\n"
    "    while not os.path.exists(gate): time.sleep(0.01)\n"
    "    print('passed')\n    return os.getpid()"
)


async def test_worker_integration_greets_with_what_it_is(
    dispatcher: Dispatcher, start_worker: StartWorker
) -> None:
    await start_worker(slots=3, tags=("gpu", "default"))
    await dispatcher.until(lambda: bool(dispatcher.beats))

    (hello,) = dispatcher.hellos
    assert (hello.slots, hello.tags, hello.holding) == (3, ("gpu", "default"), ())
    assert Isolation.SANDBOX in hello.isolations
    assert dispatcher.beats[0].free_slots == 3
    assert dispatcher.beats[0].resident_bytes > 0


async def test_worker_integration_keeps_long_jobs_while_the_dispatcher_is_away(
    dispatcher: Dispatcher, start_worker: StartWorker, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Twenty long jobs, the dispatcher away: each runs once and none is said twice."""
    gate = tmp_path_factory.mktemp("gates") / "gate"
    names = [f"job-{number}" for number in range(20)]
    worker = await start_worker(slots=20, reconnect_seconds_max=0.1)
    await dispatcher.assign(*(job(name, WAITS, arguments={"gate": str(gate)}) for name in names))
    await dispatcher.until(lambda: all(b"waiting" in dispatcher.logs[name] for name in names))

    await dispatcher.stop()
    gate.touch()
    await eventually(lambda: len(worker._telling.held()) == len(names))
    await dispatcher.start()
    outcomes = [await dispatcher.outcome(name) for name in names]

    assert len({succeeded(outcome) for outcome in outcomes}) == 20
    assert {len(told) for told in dispatcher.outcomes.values()} == {1}
    assert {len(told) for told in dispatcher.started.values()} <= {1}
    assert set(dispatcher.hellos[-1].unacknowledged) <= {Held(name, 1) for name in names}
    assert {bytes(dispatcher.logs[name]) for name in names} == {b"waiting\npassed\n"}


async def test_worker_integration_presents_what_it_holds_after_a_reconnection(
    dispatcher: Dispatcher, start_worker: StartWorker
) -> None:
    await start_worker(reconnect_seconds_max=0.1)
    await dispatcher.assign(job("kept", SLEEPS), job("dropped", SLEEPS))
    await dispatcher.until(lambda: len(dispatcher.started) == 2)
    dispatcher.keeps = lambda _: (Held("kept", 1),)

    await dispatcher.stop()
    await dispatcher.start()

    assert (await dispatcher.outcome("dropped")).verdict is Verdict.LOST
    assert set(dispatcher.hellos[-1].holding) == {Held("kept", 1), Held("dropped", 1)}
    assert dispatcher.outcomes["kept"] == []


async def test_worker_integration_repeats_outcomes_until_they_are_taken(
    dispatcher: Dispatcher, start_worker: StartWorker
) -> None:
    await start_worker(reconnect_seconds_max=0.1)
    dispatcher.acknowledges = False
    first = await dispatcher.run(job("j", "def main(): return 5"))
    await dispatcher.stop()
    dispatcher.acknowledges = True
    await dispatcher.start()
    await dispatcher.until(lambda: len(dispatcher.outcomes["j"]) == 2)

    await dispatcher.stop()
    await dispatcher.start()
    await dispatcher.connected(hellos=3)

    assert dispatcher.outcomes["j"] == [first, first]
    assert dispatcher.hellos[1].unacknowledged == (Held("j", 1),)
    assert dispatcher.hellos[2].unacknowledged == ()


async def test_worker_integration_runs_a_later_epoch_instead_of_an_earlier(
    dispatcher: Dispatcher, start_worker: StartWorker
) -> None:
    await start_worker()
    await dispatcher.assign(job("j", SLEEPS))
    await dispatcher.until(lambda: b"asleep" in dispatcher.logs["j"])

    await dispatcher.assign(job("j", "def main(): return 'again'", epoch=2))
    await dispatcher.until(lambda: len(dispatcher.outcomes["j"]) == 2)

    verdicts = {outcome.epoch: outcome.verdict for outcome in dispatcher.outcomes["j"]}
    assert verdicts == {1: Verdict.LOST, 2: Verdict.SUCCEEDED}


async def test_worker_integration_ignores_an_assignment_said_twice(
    dispatcher: Dispatcher, start_worker: StartWorker
) -> None:
    await start_worker()
    await dispatcher.assign(job("j", SLEEPS))
    await dispatcher.until(lambda: b"asleep" in dispatcher.logs["j"])

    await dispatcher.assign(job("j", SLEEPS))
    outcome = await dispatcher.run(job("other", "def main(): return 1"))

    assert succeeded(outcome) == 1
    await dispatcher.until(lambda: bool(dispatcher.started["j"]))
    assert len(dispatcher.started["j"]) == 1


async def test_worker_integration_blocks_only_the_job_whose_log_is_not_taken(
    dispatcher: Dispatcher, start_worker: StartWorker
) -> None:
    """A log window of 0 stops the pipe of the job; heartbeats and outcomes go on."""
    await dispatcher.stop()
    await dispatcher.start(windows=Windows(logs=1))
    await start_worker()
    connection = await dispatcher.connected()
    connection.pause(Channel.LOGS)
    floods = "def main():\n    for n in range(100_000): print('x' * 99)\n    return 'all'"

    await dispatcher.assign(job("loud", floods))
    quiet = await dispatcher.run(job("quiet", "def main(): return 'done'"))
    beats = len(dispatcher.beats)
    await dispatcher.until(lambda: len(dispatcher.beats) > beats + 2)

    assert succeeded(quiet) == "done"
    assert dispatcher.outcomes["loud"] == []
    connection.resume(Channel.LOGS)
    assert succeeded(await dispatcher.outcome("loud")) == "all"
    assert len(dispatcher.logs["loud"]) == 100 * 100_000


async def test_worker_integration_comes_back_after_a_refusal(
    dispatcher: Dispatcher, start_worker: StartWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidemill.jobs.execution.worker.greeting.refused_seconds", 0.05)
    dispatcher.refusal = "Come back later."
    await start_worker(reconnect_seconds_max=0.05)

    dispatcher.refusal = None

    assert succeeded(await dispatcher.run(job("j", "def main(): return 1"))) == 1


async def test_worker_integration_drains_when_told(
    dispatcher: Dispatcher, start_worker: StartWorker, tmp_path_factory: pytest.TempPathFactory
) -> None:
    gate = tmp_path_factory.mktemp("gates") / "gate"
    worker = await start_worker()
    await dispatcher.assign(job("j", WAITS, arguments={"gate": str(gate)}))
    await dispatcher.until(lambda: b"waiting" in dispatcher.logs["j"])

    await dispatcher.say(Drain())
    await dispatcher.until(lambda: dispatcher.draining)
    late = await dispatcher.run(job("late", "def main(): return 1"))
    gate.touch()

    assert late.verdict is Verdict.LOST
    assert succeeded(await dispatcher.outcome("j")) > 0
    async with asyncio.timeout(60):
        await worker._drained.wait()


async def test_worker_integration_lets_go_of_jobs_when_draining_takes_too_long(
    dispatcher: Dispatcher, start_worker: StartWorker
) -> None:
    await start_worker(drain_seconds_max=0.1)
    await dispatcher.assign(job("j", SLEEPS))
    await dispatcher.until(lambda: b"asleep" in dispatcher.logs["j"])

    await dispatcher.say(Drain())

    assert (await dispatcher.outcome("j")).verdict is Verdict.LOST


async def test_worker_integration_repeats_a_log_with_an_outcome_that_nobody_confirmed(
    dispatcher: Dispatcher, start_worker: StartWorker
) -> None:
    """A dispatcher that is killed may have written neither of them."""
    await start_worker(reconnect_seconds_max=0.1)
    dispatcher.acknowledges = False
    await dispatcher.run(job("j", "def main():\n    print('the last line')\n    return 1"))

    await dispatcher.stop()
    dispatcher.logs.clear()
    dispatcher.acknowledges = True
    await dispatcher.start()
    await dispatcher.until(lambda: len(dispatcher.outcomes["j"]) == 2)

    assert bytes(dispatcher.logs["j"]) == b"the last line\n"
