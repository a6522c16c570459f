"""A line becomes a title and marks, and what is miswritten is named with its column."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fixtures.quick_add import drafts
from tidemill.board.filters.models import Word
from tidemill.board.quick_add.models import Draft, Mark, chars_max
from tidemill.board.quick_add.parsing import parse
from tidemill.board.quick_add.printing import printed
from tidemill.board.quick_add_errors import InvalidQuickText


def _said(draft: Draft) -> list[tuple[str, str]]:
    return [(one.mark.value, one.word.text) for one in draft.marks]


def test_parse_reads_every_sign_and_word() -> None:
    draft = parse("Fix login #bug @ada !high ^fri ~3 >TM-4 sprint:current Type:task")

    assert draft.title == "Fix login"
    assert _said(draft) == [
        ("hash", "bug"),
        ("assignee", "ada"),
        ("priority", "high"),
        ("due", "fri"),
        ("points", "3"),
        ("parent", "TM-4"),
        ("sprint", "current"),
        ("type", "task"),
    ]


@pytest.mark.parametrize(
    ("text", "title"),
    [
        (r"Learn C\# and \#bug", "Learn C# and #bug"),
        ("Learn C# and F#", "Learn C# and F#"),
        ('Say "#bug @ada" aloud', "Say #bug @ada aloud"),
        ("a > b -> c !! # ~ ^ @", "a > b -> c !! # ~ ^ @"),
        (r"Write type\:bug", "Write type:bug"),
        (r"Look in C:\temp and \\server", "Look in C:\\temp and \\server"),
        ("Call bob@example.org 7:30", "Call bob@example.org 7:30"),
        ('Buy a 27" screen', 'Buy a 27" screen'),
        (r"Say \"hello", 'Say "hello'),
        ("  two \n lines ", "two lines"),
    ],
)
def test_parse_lets_any_title_be_written(text: str, title: str) -> None:
    assert parse(text).title == title


def test_parse_takes_quoted_values_and_days_of_two_words() -> None:
    draft = parse('x #"two words" sprint:"Say \\"ah\\"" ^next week label:#1')

    assert [one.word for one in draft.marks] == [
        Word("two words", is_quoted=True),
        Word('Say "ah"', is_quoted=True),
        Word("next week"),
        Word("#1"),
    ]
    assert draft.marks[1].word.at == 23


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('x "a', "Column 3: This quotation mark is never closed."),
        ('x @"a"b', "Column 7: Leave a blank behind the quotation mark."),
        ('x @" "', "Column 4: There is nothing between the quotes of assignee."),
        ("x sprint: y", "Column 10: sprint: needs a value right behind it."),
        ("x @a @b", "Column 6: The assignee is said twice; remove one."),
        ("a\0b", "Column 2: Remove the character U+0000."),
        ("a" * (chars_max + 1), f"Column {chars_max + 1}: The line has {chars_max + 1} characters"),
    ],
)
def test_parse_names_column_and_what_would_do(text: str, message: str) -> None:
    with pytest.raises(InvalidQuickText) as caught:
        parse(text)

    assert caught.value.message.startswith(message)
    assert caught.value.param == "text"


@given(drafts())
def test_parse_reads_what_is_printed(draft: Draft) -> None:
    assert parse(printed(draft)) == draft


@given(st.text(st.sampled_from('ab:#@!^~>\\" \t\0é') | st.characters(), max_size=40))
def test_parse_answers_or_refuses_any_text(text: str) -> None:
    try:
        found = parse(text)
    except InvalidQuickText as error:
        assert 1 <= error.column <= len(text) + 1  # noqa: PT017 - both outcomes are right
    else:
        assert parse(printed(found)) == found


def test_draft_tells_each_mark() -> None:
    draft = parse("x #a #b @ada")

    assert draft.all(Mark.HASH) == (Word("a"), Word("b"))
    assert draft.one(Mark.ASSIGNEE) == Word("ada")
    assert draft.one(Mark.DUE) is None
