from __future__ import annotations

from typing import Any

import pytest

from tidemill.jobs.code.functions.models import Retry, check_name, isolation_of, lane_of
from tidemill.jobs.errors import InvalidJobField


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


@pytest.mark.parametrize(
    ("fields", "kind", "reason"),
    [
        ({"seconds": -1}, ValueError, "seconds must be between 0 and 31622400, not -1"),
        ({"seconds_max": float("nan")}, ValueError, "seconds_max must be between"),
        ({"factor": 0.5}, ValueError, "factor must be between 1 and 1000"),
        ({"factor": 1e9}, ValueError, "factor must be between 1 and 1000"),
        ({"seconds": "soon"}, TypeError, "seconds must be a number, not 'soon'"),
        (
            {"on": OSError},
            TypeError,
            "on must be a tuple of exception types, not <class 'OSError'>",
        ),
        ({"never": ("OSError",)}, TypeError, "never must be a tuple of exception types"),
    ],
    ids=str,
)
def test_retry_refuses_what_can_be_no_rule(
    fields: dict[str, Any], kind: type[Exception], reason: str
) -> None:
    with pytest.raises(kind, match=f"Retry.{reason}"):
        Retry(**fields)


def test_retry_covers_what_it_names() -> None:
    retry = Retry(on=(OSError,), never=(FileNotFoundError,))

    assert retry.covers(ConnectionError())
    assert not retry.covers(FileNotFoundError())
    assert not retry.covers(ValueError())
    assert not Retry().covers(SystemExit())
