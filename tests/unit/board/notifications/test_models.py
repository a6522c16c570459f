from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from tidemill.board.contract import FieldChange
from tidemill.board.notification_errors import InvalidSnooze
from tidemill.board.notifications.models import (
    REASONS,
    Event,
    Notification,
    NotificationChanges,
    Reason,
    changed,
    gathered,
    joined,
    shown_values,
    snooze_days_max,
    strongest,
    told_change,
)
from tidemill.core.clock import MICROSECONDS_PER_DAY, Instant
from tidemill.core.config.sections import people

NOW = Instant(10_000_000)
LATEST = Instant(NOW + snooze_days_max * MICROSECONDS_PER_DAY)
ROW = Notification(
    id="n",
    user_id="u",
    work_item_id="w",
    reason="commented",
    reasons="commented",
    event_count=1,
    seq=4,
    at=Instant(1_000_000),
    read_at=None,
    archived_at=None,
    snoozed_until=None,
    version=1,
    created_at=Instant(1_000_000),
)


def _event(reason: str, at: int = 2_000_000) -> Event:
    return Event("e", "f", reason, "user", "a", "a", None, None, None, None, Instant(at))


def test_reasons_are_those_of_the_settings() -> None:
    assert tuple(REASONS) == people._REASONS


def test_gathered_puts_the_most_personal_reason_first() -> None:
    row = gathered(
        gathered(ROW, _event("changed"), 5, wanted=True), _event("assigned"), 6, wanted=True
    )

    assert (row.reason, row.reasons) == ("assigned", "assigned commented changed")
    assert (row.event_count, row.seq, row.version) == (3, 6, 3)


def test_gathered_begins_anew_after_a_row_was_read() -> None:
    read = structs.replace(ROW, read_at=NOW, archived_at=NOW)

    row = gathered(read, _event("mentioned"), 5, wanted=True)

    assert (row.reasons, row.event_count) == ("mentioned", 1)
    assert (row.read_at, row.archived_at) == (None, None)


def test_gathered_leaves_a_row_where_it_is_for_what_mail_alone_is_wanted_of() -> None:
    read = structs.replace(ROW, read_at=NOW, archived_at=NOW)

    row = gathered(read, _event("mentioned"), 5, wanted=False)

    assert (row.read_at, row.archived_at, row.reasons, row.event_count) == (
        NOW,
        NOW,
        "commented",
        1,
    )


def test_gathered_leaves_the_number_up_to_which_a_page_reads_for_mail_alone() -> None:
    row = gathered(ROW, _event("mentioned"), 5, wanted=False)

    assert (row.seq, row.version) == (ROW.seq, 2)


@pytest.mark.parametrize(
    "changes", [NotificationChanges(snoozed_until=None), NotificationChanges(is_archived=True)]
)
def test_changed_ends_a_sleep_now_and_not_where_it_would_have_ended(
    changes: NotificationChanges,
) -> None:
    asleep = changed(ROW, NotificationChanges(snoozed_until=LATEST), now=NOW)

    assert changed(asleep, changes, now=NOW).at == NOW


def test_gathered_wakes_a_row_at_the_time_of_its_event() -> None:
    asleep = changed(ROW, NotificationChanges(snoozed_until=LATEST), now=NOW)

    assert gathered(asleep, _event("changed", NOW + 1), 5, wanted=True).at == NOW + 1


@given(st.lists(st.booleans(), max_size=12), st.data())
def test_any_order_of_deeds_leaves_a_row_in_one_place(
    deeds: list[bool], data: st.DataObject
) -> None:
    row = ROW
    for is_event in deeds:
        if is_event:
            reason = data.draw(st.sampled_from(REASONS))
            at = data.draw(st.integers(1, NOW))
            row = gathered(row, _event(reason, at), row.seq + 1, wanted=data.draw(st.booleans()))
            continue
        change: dict[str, Any] = data.draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "is_read": st.booleans(),
                    "is_archived": st.booleans(),
                    "snoozed_until": st.none() | st.integers(NOW + 1, LATEST),
                },
            )
        )
        before, row = row, changed(row, NotificationChanges(**change), now=NOW)
        assert row.version == before.version + (row is not before)
        assert changed(row, NotificationChanges(**change), now=NOW) == row, "to say it twice"

        assert row.at <= NOW if row.snoozed_until is None else row.at == row.snoozed_until

    assert row.archived_at is None or row.snoozed_until is None
    assert row.archived_at is None or row.read_at is not None
    assert row.reason == row.reasons.split()[0]
    assert len(set(row.reasons.split())) <= row.event_count


def test_changed_refuses_to_snooze_into_the_past() -> None:
    with pytest.raises(InvalidSnooze):
        changed(ROW, NotificationChanges(snoozed_until=NOW), now=NOW)


def test_strongest_and_joined_know_words_of_later_releases() -> None:
    assert strongest(["later", "changed"]) == "changed"
    assert joined(["later", "changed", "changed", "assigned"]) == "assigned changed later"


def test_told_change_is_what_matters_most_and_no_text_is_repeated() -> None:
    rank = FieldChange(field_name="rank", old_value="a", new_value="b")
    text = FieldChange(field_name="description", old_value="x" * 999, new_value="y")
    title = FieldChange(field_name="title", old_value="t" * 999, new_value=None)

    assert told_change((rank,)) is None
    assert told_change((rank, text, title)) is title
    assert shown_values(text) == (None, None)
    assert shown_values(title) == ("t" * 200, None)
    assert REASONS[0] == Reason.ASSIGNED
