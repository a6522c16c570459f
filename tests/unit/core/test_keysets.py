from __future__ import annotations

from collections.abc import Callable

import pytest

from tidemill.core.keysets import after_number, after_number_and_text, after_text
from tidemill.core.pages import InvalidCursor, Key, PageRequest


def test_after_returns_what_the_list_itself_put_in() -> None:
    assert after_number(PageRequest(after=(7,))) == 7
    assert after_text(PageRequest(after=("a",))) == "a"
    assert after_number_and_text(PageRequest(after=(7, "a"))) == (7, "a")


@pytest.mark.parametrize("after", [after_number, after_text, after_number_and_text])
def test_after_returns_none_on_the_first_page(after: Callable[[PageRequest], object]) -> None:
    assert after(PageRequest()) is None


@pytest.mark.parametrize("key", [(), (None,), (-1,), (2**63,), ("a\0",), ("é",), (1, 2), ("a", 1)])
@pytest.mark.parametrize("after", [after_number, after_text, after_number_and_text])
def test_after_refuses_a_key_that_no_list_made(
    after: Callable[[PageRequest], object], key: Key
) -> None:
    with pytest.raises(InvalidCursor):
        after(PageRequest(after=key))
