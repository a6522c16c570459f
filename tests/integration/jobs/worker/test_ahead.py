"""Jobs that a worker has beyond its slots: they wait in line, and others may have them soon."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.jobs.worker.conftest import StartWorker
from tests.integration.jobs.worker.dispatcher import Dispatcher, job, succeeded
from tidemill.jobs.execution.worker import ahead
from tidemill.jobs.protocol.messages import Assignment, Drain, Isolation, Verdict

pytestmark = pytest.mark.anyio

WAITS = (
    "import os, time\ndef main(gate):\n    print('waiting')\n"
    "    while not os.path.exists(gate): time.sleep(0.01)\n    return time.time()"
)


@pytest.fixture
def gate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gates") / "gate"


@pytest.fixture
def long_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "ahead_seconds_max", 3_600.0)


def waiting(name: str, gate: Path) -> Assignment:
    return job(name, WAITS, arguments={"gate": str(gate)}, isolation=Isolation.FORK)


def open_gate(gate: Path) -> None:
    gate.touch()


async def begun(dispatcher: Dispatcher, *names: str) -> None:
    await dispatcher.until(lambda: all(b"waiting" in dispatcher.logs[name] for name in names))


@pytest.mark.usefixtures("long_ahead")
async def test_worker_integration_runs_what_it_has_ahead_in_order(
    dispatcher: Dispatcher, start_worker: StartWorker, gate: Path
) -> None:
    worker = await start_worker(slots=1)
    names = ["a", "b", "c", "d"]
    await dispatcher.assign(*(waiting(name, gate) for name in names))
    await begun(dispatcher, "a")

    assert worker.look().running == 1
    open_gate(gate)
    ends = [succeeded(await dispatcher.outcome(name)) for name in names]

    assert ends == sorted(ends)
    assert dispatcher.hellos[-1].ahead > 0


async def test_worker_integration_gives_back_what_waits_too_long_for_a_slot(
    dispatcher: Dispatcher, start_worker: StartWorker, gate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ahead, "ahead_seconds_max", 0.05)
    await start_worker(slots=1)
    await dispatcher.assign(waiting("runs", gate))
    await begun(dispatcher, "runs")

    given_back = await dispatcher.run(waiting("waits", gate))
    open_gate(gate)

    assert given_back.verdict is Verdict.LOST
    assert not dispatcher.started["waits"]
    assert succeeded(await dispatcher.outcome("runs"))


@pytest.mark.usefixtures("long_ahead")
async def test_worker_integration_gives_back_what_waits_when_it_drains(
    dispatcher: Dispatcher, start_worker: StartWorker, gate: Path
) -> None:
    await start_worker(slots=1)
    await dispatcher.assign(waiting("runs", gate), waiting("waits", gate))
    await begun(dispatcher, "runs")

    await dispatcher.say(Drain())
    given_back = await dispatcher.outcome("waits")
    open_gate(gate)

    assert given_back.verdict is Verdict.LOST
    assert succeeded(await dispatcher.outcome("runs"))


@pytest.mark.usefixtures("long_ahead")
async def test_worker_integration_cancels_what_waits_at_once(
    dispatcher: Dispatcher, start_worker: StartWorker, gate: Path
) -> None:
    await start_worker(slots=1)
    await dispatcher.assign(waiting("runs", gate), waiting("waits", gate))
    await begun(dispatcher, "runs")

    await dispatcher.cancel("waits")
    cancelled = await dispatcher.outcome("waits")
    open_gate(gate)

    assert cancelled.verdict is Verdict.CANCELLED
    assert not dispatcher.logs["waits"]
    assert succeeded(await dispatcher.outcome("runs"))
