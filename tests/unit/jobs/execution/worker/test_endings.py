"""What a job came to, whatever it wrote at its end."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tidemill.jobs.execution.isolation.plan import Ending
from tidemill.jobs.execution.worker.endings import answered_end, printed_end
from tidemill.jobs.execution.worker.output import Collected
from tidemill.jobs.protocol.messages import Verdict

BYTES_MAX = 10_000


def ended(exit_code: int) -> Ending:
    return Ending(exit_code=exit_code, peak_memory_bytes=0, cpu_microseconds=0, ended_at=0)


def answered(answer: bytes, exit_code: int = 0) -> tuple[Verdict, bytes | None, Any]:
    collected = Collected(BYTES_MAX)
    collected.add(answer)
    return answered_end(ended(exit_code), collected, BYTES_MAX)


@pytest.mark.parametrize(
    "name", ["half of a name \udcff", "\ud800\ud800", "whole \U0001f30a", "\\ud800"]
)
def test_answered_end_keeps_an_error_that_holds_half_of_a_character(name: str) -> None:
    error = {"type": "FileNotFoundError", "message": name, "traceback": "line 2"}

    verdict, _, told = answered(json.dumps({"error": error}).encode(), 1)

    shown = name.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    assert verdict is Verdict.FAILED
    assert told == {**error, "message": shown}


def test_answered_end_keeps_a_result_that_holds_half_of_a_character() -> None:
    verdict, result, _ = answered(rb'{"result":"\ud800"}')

    assert verdict is Verdict.SUCCEEDED
    assert json.loads(result or b"") == "\ufffd"


@pytest.mark.parametrize("answer", [b"", b"no JSON", b"[" * 5_000, b'{"error":{"type":"\xff"}}'])
def test_answered_end_fails_without_an_answer_that_can_be_read(answer: bytes) -> None:
    assert answered(answer)[0] is Verdict.FAILED


def nested(levels: int) -> bytes:
    return b'[{"[":' * (levels // 2) + b"0" + b"}]" * (levels // 2)


def test_answered_end_refuses_a_result_that_its_readers_could_not_follow() -> None:
    flat = b"[" + b",".join([b'{"a":[]}'] * 1_000) + b"]"

    ends = [answered(b'{"result":' + one + b"}") for one in (nested(500), nested(502), flat)]

    assert [verdict for verdict, *_ in ends] == [
        Verdict.SUCCEEDED, Verdict.FAILED, Verdict.SUCCEEDED,
    ]  # fmt: skip
    assert ends[1][2]["type"] == "InvalidResult"
    assert "nested deeper than 500 levels" in ends[1][2]["message"]


def test_printed_end_takes_what_is_nested_too_deep_for_text() -> None:
    _, result, _ = printed_end("bash", ended(0), nested(502), BYTES_MAX)

    assert json.loads(result or b"") == nested(502).decode()


def test_printed_end_takes_a_last_line_that_is_no_utf_8_for_text() -> None:
    verdict, result, error = printed_end("bash", ended(0), b'{"name": "caf\xe9"}', BYTES_MAX)

    assert (verdict, error) == (Verdict.SUCCEEDED, None)
    assert json.loads(result or b"") == '{"name": "caf\ufffd"}'
