"""Days as people say them, on a Wednesday."""

from __future__ import annotations

from datetime import date

import pytest

from tidemill.board.filters.models import Word
from tidemill.board.quick_add.days import day_of
from tidemill.board.quick_add_errors import InvalidQuickText

_WEDNESDAY = date(2026, 1, 28)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-03-31", "2026-03-31"),
        ("today", "2026-01-28"),
        ("Tomorrow", "2026-01-29"),
        ("fri", "2026-01-30"),
        ("Tuesday", "2026-02-03"),
        ("wed", "2026-02-04"),
        ("next wed", "2026-02-04"),
        ("next friday", "2026-02-06"),
        ("next week", "2026-02-02"),
        ("next-month", "2026-02-01"),
        ("+3d", "2026-01-31"),
        ("3d", "2026-01-31"),
        ("2w", "2026-02-11"),
        ("-1d", "2026-01-27"),
        ("+1m", "2026-02-28"),
    ],
)
def test_day_of_what_people_say(text: str, day: str) -> None:
    assert day_of(Word(text), _WEDNESDAY) == date.fromisoformat(day)


def test_day_of_a_month_that_is_shorter_is_its_last() -> None:
    assert day_of(Word("1m"), date(2026, 1, 31)) == date(2026, 2, 28)


@pytest.mark.parametrize("text", ["", "someday", "2026-02-30", "next year", "9999-13-01", "3"])
def test_day_of_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidQuickText) as caught:
        day_of(Word(text, at=7), _WEDNESDAY)

    assert caught.value.message.startswith("Column 7: ")
