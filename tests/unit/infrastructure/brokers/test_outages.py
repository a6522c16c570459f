from __future__ import annotations

from tidemill.infrastructure.brokers.outages import Outage


class Watch:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.seconds = 5.0

    def __call__(self) -> float:
        return self.seconds


def test_is_due_is_true_at_once_and_then_once_a_minute() -> None:
    watch = Watch()
    outage = Outage(watch)

    told = []
    for second in range(130):
        watch.seconds = 5.0 + second
        if outage.is_due():
            told.append(second)

    assert told == [0, 60, 120]


def test_is_due_is_true_at_once_after_the_broker_was_back() -> None:
    outage = Outage(Watch())
    outage.is_due()

    outage.end()

    assert outage.is_due()
