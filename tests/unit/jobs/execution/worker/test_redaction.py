from __future__ import annotations

import base64
import json
import tracemalloc
from urllib.parse import quote, quote_plus

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


@given(
    before=st.binary(max_size=4), after=st.binary(max_size=4),
    secret=st.binary(min_size=8, max_size=40).map(lambda data: data.hex() + "?/ ü"),
)  # fmt: skip
def test_text_hides_a_secret_wherever_it_stands_in_base64(
    before: bytes, after: bytes, secret: str
) -> None:
    redaction = Redaction([secret])
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        shown = redaction.text(encode(before + secret.encode() + after).decode())

        assert "[redacted]" in shown
        # What is left are the few characters that hold something of its neighbours.
        assert len(shown.replace("[redacted]", "")) <= len(encode(before)) + len(encode(after)) + 8


@pytest.mark.parametrize(
    "text",
    [
        quote("p@ss/w rd", safe=""), quote("p@ss/w rd"), quote_plus("p@ss/w rd"),
        b"p@ss/w rd".hex(), b"p@ss/w rd".hex().upper(),
    ],
)  # fmt: skip
def test_text_hides_a_secret_as_addresses_and_dumps_write_it(text: str) -> None:
    assert Redaction(["p@ss/w rd"]).text(f"https://tides.test/?key={text}&x=1") == (
        "https://tides.test/?key=[redacted]&x=1"
    )


def test_text_hides_plain_secrets_before_encoded_ones_where_there_are_many() -> None:
    secrets = [f"number {number} of many" for number in range(1_000)]

    assert Redaction(secrets).text(" ".join(secrets)) == " ".join(["[redacted]"] * 1_000)


def test_stream_hides_the_jobs_own_token() -> None:
    stream = RedactedStream(Redaction(token="header.body.sign"))

    assert stream.feed(b"TIDEMILL_TOKEN=header.body.sign\n") == b"TIDEMILL_TOKEN=[redacted]\n"


def test_result_is_not_searched_for_a_token_that_has_ended_when_it_is_seen() -> None:
    result = b'"header.body.sign"'

    assert Redaction(token="header.body.sign").result(result) is result


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


def test_result_of_one_long_text_is_searched_in_little_more_memory_than_it_has() -> None:
    result = b'"' + b"x" * 1_000_000 + b'\\n"'
    redaction = Redaction(["a secret that is nowhere"])
    tracemalloc.start()
    try:
        redaction.result(result)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 20 * len(result)


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
