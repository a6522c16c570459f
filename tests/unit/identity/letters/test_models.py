from __future__ import annotations

from tidemill.identity.letters.models import attempts_max, retry_seconds


def test_retry_seconds_grow_to_an_hour_and_last_half_a_day() -> None:
    waits = [retry_seconds(attempts) for attempts in range(1, attempts_max)]

    assert waits[:3] == [10, 20, 40]
    assert max(waits) == 3600
    assert 11 * 3600 < sum(waits) < 14 * 3600
