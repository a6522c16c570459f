from __future__ import annotations

import pytest

from tidemill.board.comment_errors import UnknownReaction
from tidemill.board.comments.models import REACTIONS, valid_content, valid_emoji
from tidemill.board.errors import InvalidText
from tidemill.board.limits import BoardLimits

LIMITS = BoardLimits(comment_chars_max=5)


@pytest.mark.parametrize("emoji", [*REACTIONS, "❤", "👍\ufe0f"])
def test_valid_emoji_takes_each_reaction_with_or_without_its_variation(emoji: str) -> None:
    assert valid_emoji(emoji) in REACTIONS


@pytest.mark.parametrize("emoji", ["", "\ufe0f", "x", "+1", "👍🏽", "👍👍", "🦭", "❤️ ", "\x00"])
def test_valid_emoji_refuses_anything_else(emoji: str) -> None:
    with pytest.raises(UnknownReaction) as refused:
        valid_emoji(emoji)

    assert refused.value.param == "emoji"
    assert "👍" in refused.value.message


@pytest.mark.parametrize("text", ["", " ", "\n\t\n", "a\x00b", "123456"])
def test_valid_content_refuses_what_is_empty_too_long_or_broken(text: str) -> None:
    with pytest.raises(InvalidText) as refused:
        valid_content(text, LIMITS)

    assert refused.value.param == "content"


def test_valid_content_keeps_the_text_as_written_but_for_line_ends() -> None:
    assert valid_content(" a\r\n ", LIMITS) == " a\n "
