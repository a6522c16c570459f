from __future__ import annotations

import pytest

from tidemill.jobs.queueing.strategies.models import (
    OrderRule,
    Strategy,
    WorkerRule,
    checked_weights,
)
from tidemill.jobs.strategy_errors import InvalidStrategy


@pytest.mark.parametrize("rule", [rule for rule in WorkerRule if rule is not WorkerRule.AFFINITY])
def test_checked_refuses_a_wait_that_its_rule_does_not_look_at(rule: WorkerRule) -> None:
    Strategy(tag="t", workers=WorkerRule.AFFINITY, affinity_wait_seconds=60).checked()
    Strategy(tag="t", workers=rule).checked()

    with pytest.raises(InvalidStrategy, match="only affinity looks") as raised:
        Strategy(tag="t", workers=rule, affinity_wait_seconds=60).checked()

    assert raised.value.param == "affinity_wait_seconds"


def test_checked_weights_refuses_those_that_its_order_does_not_look_at() -> None:
    checked_weights({"a": 3}, OrderRule.FAIR_SHARE)
    checked_weights({}, OrderRule.PRIORITY_FIFO)

    with pytest.raises(InvalidStrategy, match="only fair_share looks") as raised:
        checked_weights({"a": 3}, OrderRule.PRIORITY_FIFO)

    assert raised.value.param == "weights"
