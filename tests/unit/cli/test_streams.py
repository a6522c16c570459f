from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tidemill.cli.streams import StreamEvent, events

LINE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), max_size=20)


def test_events_reads_id_event_and_data() -> None:
    lines = ["id: 7", "event: log", 'data: {"text":"a"}', ""]

    assert list(events(lines)) == [StreamEvent(id="7", event="log", data='{"text":"a"}')]


def test_events_passes_over_comments_and_what_has_no_end() -> None:
    assert list(events([": heartbeat", "", "data: cut"])) == []


def test_json_returns_text_that_is_no_json() -> None:
    assert StreamEvent(data="plain").json() == "plain"


@given(st.lists(st.lists(LINE, min_size=1, max_size=3), max_size=5))
def test_events_returns_what_was_sent(sent: list[list[str]]) -> None:
    lines = [line for parts in sent for line in [*(f"data: {part}" for part in parts), ""]]

    assert [event.data for event in events(lines)] == ["\n".join(parts) for parts in sent]
