from __future__ import annotations

import tracemalloc

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidemill.http.texts import check_body
from tidemill.http.validation import ValidationFailed

JSON = st.recursive(
    st.none() | st.integers() | st.text(alphabet="a\\u0\0"),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(alphabet="k\\"), inner),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("document", "param"),
    [
        ("\0", "body"),
        ({"a": "\0"}, "a"),
        ({"a": {"b": [1, {"c": "x\0"}]}}, "a.b.c"),
        ({"a": [["\0"]]}, "a"),
        ({"a": {"\0": 1}}, "a"),
        ({"\0": 1}, "body"),
        ({"a": 1, "b": [{"c": {}}], "d": "\0"}, "d"),
    ],
)
def test_check_body_names_the_field_with_a_nul(document: object, param: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        check_body(msgspec.json.encode(document))

    assert refused.value.param == param


@settings(max_examples=30)
@given(JSON)
def test_check_body_refuses_what_has_a_nul_and_nothing_else(document: object) -> None:
    has_one = "\0" in repr(document).replace("\\x00", "\0").replace("\\\\", "")
    try:
        check_body(msgspec.json.encode(document))
    except ValidationFailed:
        assert has_one
    else:
        assert not has_one


def test_check_body_takes_little_memory_for_names_at_great_depth() -> None:
    document: object = "\\u0000"
    for _ in range(700):
        document = {"k" * 300: document}
    body = msgspec.json.encode(document)

    tracemalloc.start()
    check_body(body)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 10 * len(body)
