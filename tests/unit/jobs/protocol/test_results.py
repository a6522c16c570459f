"""How deep a result may be nested."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from tidemill.jobs.protocol.results import is_too_deep, result_levels_max

_VALUES = st.recursive(
    st.none() | st.text(alphabet='[]{}"\\a', max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text('[]{}"\\', max_size=4), inner)
    ),
    max_leaves=8,
)


def levels_of(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(levels_of, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(levels_of, value), default=0)
    return 0


@given(value=_VALUES)
def test_is_too_deep_counts_the_levels_whatever_stands_in_texts(value: object) -> None:
    document = json.dumps(value).encode()
    below = result_levels_max - levels_of(value)

    assert not is_too_deep(b"[" * below + document + b"]" * below)
    assert is_too_deep(b"[" * (below + 1) + document + b"]" * (below + 1))
