from __future__ import annotations

import pytest

from tidemill.jobs.code.functions.context import JobCancelled
from tidemill.jobs.code.functions.raised import tamed, told_of
from tidemill.jobs.execution.worker.endings import error_chars_max


def _raise(error: BaseException) -> None:
    raise error


def _raised(error: BaseException) -> BaseException:
    with pytest.raises(type(error)) as caught:
        _raise(error)
    return caught.value


def test_told_of_names_type_message_and_the_place() -> None:
    told = told_of(_raised(LookupError("no tide")), ())

    assert (told["type"], told["message"]) == ("LookupError", "no tide")
    assert "raise error" in told["traceback"]
    assert told["traceback"].endswith("LookupError: no tide\n")


def test_told_of_begins_after_the_frames_of_the_worker() -> None:
    told = told_of(_raised(LookupError("no tide")), {__file__})

    assert told["traceback"] == "LookupError: no tide\n"


@pytest.mark.parametrize("text", ["half of a name \udcff", "\ud800", "a" * (error_chars_max + 1)])
def test_told_of_can_be_sent_whatever_was_raised(text: str) -> None:
    told = told_of(_raised(ValueError(text)), ())

    for part in told.values():
        assert len(part.encode()) <= 8 * error_chars_max
    assert told["message"] == text[:error_chars_max].encode(errors="backslashreplace").decode()


def test_told_of_a_cancellation_of_its_own_says_so() -> None:
    told = told_of(_raised(JobCancelled()), ())

    assert "as if its job had been cancelled" in told["message"]


def test_tamed_keeps_what_would_end_the_loop() -> None:
    error = SystemExit(3)

    assert "SystemExit(3)" in str(tamed(error))
    assert tamed(error).__cause__ is error
