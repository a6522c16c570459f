from __future__ import annotations

import pytest

from tidemill.jobs.errors import InvalidJobField
from tidemill.jobs.functions.models import Retry, check_name, isolation_of, lane_of


@pytest.mark.parametrize("name", ["shop:send", "shop.tasks:send_mail", "a.b.c:Class.method"])
def test_check_name_takes_module_and_function(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize(
    "name", ["", "shop", "shop:", ":send", "shop tasks:send", "a" * 200 + ":b"]
)
def test_check_name_refuses_what_names_no_function(name: str) -> None:
    with pytest.raises(InvalidJobField, match=r"shop\.tasks:send_mail"):
        check_name(name)


def test_lane_is_that_of_the_root_package() -> None:
    assert lane_of("shop.tasks:send") == lane_of("shop.mails:other") == "function:shop"
    assert isolation_of("function:shop") == "function"
    assert isolation_of("sandbox") == "sandbox"


def test_retry_delay_doubles_up_to_its_limit() -> None:
    retry = Retry(seconds=1, seconds_max=5)

    delays = [retry.delay(attempt, jitter=0.5) for attempt in range(1, 6)]

    assert delays == pytest.approx([1, 2, 4, 5, 5])
    assert 0.95 <= retry.delay(1, jitter=0) <= retry.delay(1, jitter=1) <= 1.05


def test_retry_delay_of_many_attempts_stays_a_number() -> None:
    assert Retry().delay(100_000, jitter=0.5) == 3600


def test_retry_covers_what_it_names() -> None:
    retry = Retry(on=(OSError,), never=(FileNotFoundError,))

    assert retry.covers(ConnectionError())
    assert not retry.covers(FileNotFoundError())
    assert not retry.covers(ValueError())
    assert not Retry().covers(SystemExit())
