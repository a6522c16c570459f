from __future__ import annotations

import pytest

from tidemill.identity.attempts.models import (
    account_key,
    address_key,
    tarpit_seconds,
)


@pytest.mark.parametrize(
    ("failures", "seconds"), [(0, 0), (4, 0), (5, 0.25), (6, 0.5), (12, 2.0), (10_000, 2.0)]
)
def test_tarpit_seconds_grow_to_a_bound(failures: int, seconds: float) -> None:
    assert tarpit_seconds(failures) == seconds


def test_account_key_counts_each_known_address_by_itself() -> None:
    strange = account_key("ada@example.org", None)

    assert strange != account_key("ada@example.org", "home")
    assert account_key("ada@example.org", "home") != account_key("ada@example.org", "work")
    assert "ada" not in strange


def test_address_key_is_shared_by_a_network() -> None:
    assert address_key("2001:db8::1") == address_key("2001:db8::2")
