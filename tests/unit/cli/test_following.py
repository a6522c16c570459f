from __future__ import annotations

import pytest

from tidemill.cli.following import LogLines, told_error


def test_log_lines_join_what_was_cut_anywhere(capsys: pytest.CaptureFixture[str]) -> None:
    text = "one\n\ntwo and more\nthe last"
    log = LogLines("j")

    for start in range(0, len(text), 3):
        log.add(text[start : start + 3], 1)
    log.end()

    assert capsys.readouterr().out == text + "\n"


def test_log_lines_begin_anew_with_another_execution(capsys: pytest.CaptureFixture[str]) -> None:
    log = LogLines("j")

    log.add("cut of", 1)
    log.add("again\n", 2)

    assert capsys.readouterr().out == "cut of\nagain\n"


def test_log_lines_drive_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    LogLines("j").add("a\x1b[2Jb\x9b2Jc\n", 1)

    assert capsys.readouterr().out == "a\ufffd[2Jb\ufffd2Jc\n"


def test_told_error_ends_with_what_to_do_where_that_is_known() -> None:
    error = {"type": "OSError", "message": "no net", "traceback": "Trace\n", "hint": "Use http."}

    told = told_error({"state": "failed", "error": error})

    assert told.splitlines() == ["Trace", "failed: OSError: no net", "hint: Use http."]
