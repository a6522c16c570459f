"""What people write becomes a tree, and what they miswrite is named with its column."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fixtures.filters import filters
from tidemill.board.filter_errors import InvalidFilter
from tidemill.board.filters.models import (
    And,
    Comparison,
    Filter,
    Not,
    Operator,
    Or,
    Order,
    Span,
    Text,
    Word,
    chars_max,
)
from tidemill.board.filters.parsing import parse
from tidemill.board.filters.printing import printed


def _is(field: str, *values: str) -> Comparison:
    return Comparison(Word(field), Operator.IS, tuple(map(Word, values)))


def test_parse_reads_every_part_of_the_language() -> None:
    found = parse('status:todo,done kind=bug -priority<high (a OR "b c") updated:-7d.. sort:-rank')

    low = Comparison(Word("priority"), Operator.LESS, (Word("high"),))
    since = Comparison(Word("updated"), Operator.IS, (Span(Word("-7d"), None),))
    assert found == Filter(
        And(
            (
                _is("status", "todo", "done"),
                _is("type", "bug"),
                Not(low),
                Or((Text(Word("a")), Text(Word("b c", is_quoted=True)))),
                since,
            )
        ),
        Order(Word("rank"), is_descending=True),
    )


def test_parse_keeps_the_column_of_each_word() -> None:
    found = parse('type:bug  assignee:"Ada \\"Sea\\" L"').condition

    assert isinstance(found, And)
    _, assignee = found.terms
    assert isinstance(assignee, Comparison)
    assert assignee.field.at == 11
    [name] = assignee.values
    assert isinstance(name, Word)
    assert (name.text, name.at) == ('Ada "Sea" L', 20)


@pytest.mark.parametrize("text", ["", "  \n", "sort:updated"])
def test_parse_of_no_condition_asks_for_all(text: str) -> None:
    assert parse(text).condition is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("statsu:todo", "Column 1: Unknown field statsu. Did you mean status?"),
        ("a  asignee:me", "Column 4: Unknown field asignee. Did you mean assignee?"),
        ("sort:updatd", "Column 6: Unknown order updatd. Did you mean updated?"),
        ("status:", "Column 8: status: needs a value right behind it."),
        ("type:bug, x", "Column 10: type:bug, needs a value right behind it."),
        ("status>todo", "Column 1: status has no order, so > says nothing. Write status:."),
        ("(a", "Column 1: This parenthesis is never closed."),
        ("a )", "Column 3: There is no opening parenthesis for this one."),
        ("a ()", "Column 3: There is no condition between these parentheses."),
        ("a OR", "Column 5: OR needs a condition before and behind it."),
        ("OR a", "Column 1: OR needs a condition before and behind it."),
        ('x "a', "Column 3: This quotation mark is never closed."),
        ("a - b", "Column 3: A minus stands right before the condition it negates."),
        ("-sort:rank", "Column 1: sort cannot be negated; sort:-updated turns it round."),
        ("(sort:rank)", "Column 2: Write sort:updated, outside of parentheses."),
        ("sort:rank sort:rank", "Column 11: The list is sorted already; remove one sort."),
        ("created:..", "Column 9: A range is written low..high, low.. or ..high."),
        ("created<1..2", "Column 1: Write created: before a range."),
        ("a\0b", "Column 2: Remove the character U+0000."),
        ("a" * (chars_max + 1), f"Column 1001: The filter has 1001 characters; {chars_max} are"),
        ("a " * 65, "Column 129: 64 conditions are the limit."),
        ("(" * 9, "Column 9: Parentheses lie at most 8 deep."),
        ("type:" + "bug," * 33 + "bug", "Column 134: 32 values of a field are the limit."),
    ],
)
def test_parse_names_column_word_and_what_would_do(text: str, message: str) -> None:
    with pytest.raises(InvalidFilter) as caught:
        parse(text)

    assert caught.value.message.startswith(message)
    assert caught.value.param == "filter"


@given(filters())
def test_parse_reads_what_is_printed(wanted: Filter) -> None:
    assert parse(printed(wanted)) == wanted


@given(st.text(st.sampled_from('ab:<>=,.-()"\\ OR\t\0é') | st.characters(), max_size=60))
def test_parse_answers_or_refuses_any_text(text: str) -> None:
    try:
        found = parse(text)
    except InvalidFilter as error:
        assert 1 <= error.column <= len(text) + 1  # noqa: PT017 - both outcomes are right
    else:
        assert parse(printed(found)) == found
