"""Streams of events pass whole, however they were cut on the way."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from tidemill.llm.dialects.events import event_bytes_max
from tidemill.llm.dialects.openai.passing import PassingEvents
from tidemill.llm.usage.models import Tokens

WORDS = [b'data: {"choices": [{"delta": {"content": "a\\"usage\\": {"}}], "usage": null}\n\n'] * 3
USAGE = b'data: {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3}}\n\n'
DONE = b"data: [DONE]\n\n"
STREAM = b"".join([*WORDS, USAGE, DONE])


@given(cuts=st.lists(st.integers(0, len(STREAM))), crlf=st.booleans(), hide=st.booleans())
def test_passing_events_do_not_depend_on_how_the_stream_was_cut(
    cuts: list[int], crlf: bool, hide: bool
) -> None:
    newline = b"\r\n" if crlf else b"\n"
    whole = STREAM.replace(b"\n", newline)
    wanted = whole.replace(USAGE.replace(b"\n", newline), b"") if hide else whole
    places = [0, *sorted({min(cut, len(whole)) for cut in cuts}), len(whole)]
    events = PassingEvents(hide_usage=hide)

    shown = b"".join(events.feed(whole[begin:end]) for begin, end in itertools.pairwise(places))

    assert shown + events.end() == wanted
    assert events.tokens == Tokens(input=7, output=3)
    assert events.events == 5


def test_passing_events_keep_a_usage_that_comes_with_a_choice() -> None:
    event = b'data: {"choices": [{"index": 0}], "usage": {"completion_tokens": 2}}\n\n'
    events = PassingEvents(hide_usage=True)

    assert events.feed(event) == event
    assert events.tokens == Tokens(output=2)


def test_passing_events_pass_what_is_no_json_and_what_never_ends() -> None:
    events = PassingEvents(hide_usage=True)
    broken = b'data: {"usage": {\n\n'

    assert events.feed(broken) == broken
    assert events.feed(b"data: begun") == b""
    assert events.end() == b"data: begun"

    endless = b"x" * (event_bytes_max + 1)
    assert events.feed(endless) == endless
    assert events.tokens is None
