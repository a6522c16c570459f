from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.jobs.execution.worker.redaction import RedactedStream, Redaction

WORD = 'hunter2 "x" ü'


@given(
    before=st.text("ab\n", max_size=20), after=st.text("ab\n", max_size=20),
    secrets=st.lists(st.text("ab", min_size=4, max_size=8), min_size=1, max_size=3),
    cut=st.integers(1, 7),
)  # fmt: skip
def test_stream_shows_no_secret_however_it_is_cut(
    before: str, after: str, secrets: list[str], cut: int
) -> None:
    stream = RedactedStream(Redaction(secrets))
    data = f"{before}{secrets[0]}{after}".encode()

    shown = b"".join(stream.feed(data[at : at + cut]) for at in range(0, len(data), cut))
    shown += stream.rest()

    assert all(secret.encode() not in shown for secret in secrets)
    assert b"[redacted]" in shown


def test_stream_holds_back_no_more_than_what_may_be_a_secret() -> None:
    stream = RedactedStream(Redaction(["password"]))

    assert stream.feed(b"say: pass") == b"say: "
    assert stream.feed(b"port\n") == b"passport\n"
    assert stream.rest() == b""


def test_stream_without_secrets_changes_nothing() -> None:
    assert RedactedStream(Redaction()).feed(b"any bytes \xff") == b"any bytes \xff"


@pytest.mark.parametrize("text", [WORD, json.dumps(WORD), json.dumps(WORD, ensure_ascii=False)])
def test_text_hides_a_secret_in_each_form_that_json_gives_it(text: str) -> None:
    assert "hunter2" not in Redaction([WORD]).text(f"at {text}!")


def test_text_hides_the_lines_of_a_key_and_leaves_short_ones() -> None:
    redaction = Redaction(["-----BEGIN KEY-----\nc2VjcmV0LW9uZQ==\nab\n-----END KEY-----\n", "abc"])

    assert redaction.text("read c2VjcmV0LW9uZQ== and abc") == "read [redacted] and abc"


def test_fields_hides_secrets_in_every_part_of_an_error() -> None:
    error = {"type": "E", "message": "no password", "traceback": "in password"}

    assert Redaction(["password"]).fields(error) == {
        "type": "E", "message": "no [redacted]", "traceback": "in [redacted]",
    }  # fmt: skip


def test_redaction_hides_what_earlier_jobs_of_the_process_have_read() -> None:
    known: set[str] = set()
    first, second = Redaction(["of the arguments"]), Redaction()
    first.share(known)
    first.hide(["read later"])
    second.share(known)

    assert second.text("of the arguments, read later") == "[redacted], [redacted]"


@pytest.mark.parametrize(
    "result",
    [
        json.dumps({WORD: [f"at {WORD}!", 1]}).encode(),
        json.dumps({WORD: [f"at {WORD}!", 1]}, ensure_ascii=False).encode(),
        json.dumps({WORD: [f"at {WORD}!", 1]}).replace("hunter", "h\\u0075nter").encode(),
    ],
)
def test_result_hides_a_secret_however_json_writes_it(result: bytes) -> None:
    shown = Redaction([WORD]).result(result)

    assert json.loads(shown) == {"[redacted]": ["at [redacted]!", 1]}


def test_result_leaves_all_but_texts_to_the_byte() -> None:
    result = b'{ "pin": 123456, "exact": 1.2345600000000000000001, "other": "a\\/b 12345" }'

    assert Redaction(["123456"]).result(result) == result


@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=10,
    )
)
def test_result_stays_the_same_json_where_it_has_no_secret(value: object) -> None:
    result = json.dumps(value).encode()

    assert Redaction(["a secret that is nowhere"]).result(result) == result
