from __future__ import annotations

from tidemill.core.clock import Instant
from tidemill.identity.login.entries import csrf_token, days_after


def test_csrf_token_follows_from_the_cookie_and_does_not_show_it() -> None:
    assert csrf_token("tms_a") == csrf_token("tms_a")
    assert csrf_token("tms_a") != csrf_token("tms_b")
    assert "tms_a" not in csrf_token("tms_a")


def test_days_after_counts_microseconds() -> None:
    assert days_after(Instant(5), 2) == 5 + 2 * 86_400 * 1_000_000
