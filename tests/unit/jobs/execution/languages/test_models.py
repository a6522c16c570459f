from __future__ import annotations

import pytest

from tidemill.jobs.errors import UnknownLanguage
from tidemill.jobs.execution.languages.models import Language, language


@pytest.mark.parametrize(
    ("text", "nearest"),
    [("ts", "typescript"), ("Postgres", "sql"), ("pyhton", "python"), ("docker", "container")],
)
def test_language_names_the_nearest_one(text: str, nearest: str) -> None:
    with pytest.raises(UnknownLanguage, match=f"Did you mean {nearest}\\?"):
        language(text)


def test_language_guesses_nothing_from_far_away() -> None:
    with pytest.raises(UnknownLanguage) as raised:
        language("whitespace")

    assert "Did you mean" not in str(raised.value)


def test_language_takes_any_case() -> None:
    assert language(" SQL ") is Language.SQL
