from __future__ import annotations

import pytest

from tests.fixtures.stores import until
from tidemill.jobs.execution.worker import ahead as module
from tidemill.jobs.execution.worker.ahead import Ahead
from tidemill.jobs.protocol.messages import Verdict

pytestmark = pytest.mark.anyio


class OneExecution:
    def __init__(self) -> None:
        self.stopped: Verdict | None = None

    def stop(self, verdict: Verdict, grace_seconds: float) -> None:
        del grace_seconds
        self.stopped = verdict


@pytest.fixture
def started() -> list[OneExecution]:
    return []


@pytest.fixture
def ahead(started: list[OneExecution]) -> Ahead[OneExecution]:
    return Ahead(started.append)


async def test_begin_starts_as_many_as_there_are_slots_in_order(
    ahead: Ahead[OneExecution], started: list[OneExecution]
) -> None:
    executions = [OneExecution() for _ in range(3)]
    for execution in executions:
        ahead.add(execution)

    ahead.begin(2)
    ahead.begin(-1)

    assert started == executions[:2]
    assert len(ahead) == 1


async def test_stop_lets_one_that_waits_end_at_once_and_no_other(
    ahead: Ahead[OneExecution], started: list[OneExecution]
) -> None:
    first, second = OneExecution(), OneExecution()
    ahead.add(first)
    ahead.add(second)

    ahead.stop(second)
    ahead.stop(OneExecution())

    assert started == [second]
    assert len(ahead) == 1


async def test_one_that_waits_for_long_is_given_back(
    ahead: Ahead[OneExecution], started: list[OneExecution], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ahead_seconds_max", 0.01)
    execution = OneExecution()
    ahead.add(execution)

    await until(lambda: started)

    assert started == [execution]
    assert execution.stopped is Verdict.LOST
    assert len(ahead) == 0


async def test_give_back_lets_go_of_all(
    ahead: Ahead[OneExecution], started: list[OneExecution]
) -> None:
    executions = [OneExecution() for _ in range(2)]
    for execution in executions:
        ahead.add(execution)

    ahead.give_back()

    assert started == executions
    assert {execution.stopped for execution in executions} == {Verdict.LOST}
