from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.board.critical_paths.models import longest_path

items = "abcdefg"
# A link leads from an earlier letter to a later one, so no cycle closes.
links_lists = st.lists(
    st.tuples(st.sampled_from(items), st.sampled_from(items)).filter(
        lambda pair: pair[0] < pair[1]
    ),
    unique=True,
    max_size=15,
)
weights_of = st.fixed_dictionaries({item: st.integers(1, 9) for item in items})


def _heaviest(weights: dict[str, int], links: list[tuple[str, str]]) -> int:
    """Return the weight of the heaviest path, by trying all of them."""

    def from_(item: str) -> int:
        following = [from_(after) for before, after in links if before == item]
        return weights[item] + max(following, default=0)

    return max((from_(before) for before, _ in links), default=0)


@given(weights_of, links_lists)
def test_longest_path_is_a_path_and_none_is_heavier(
    weights: dict[str, int], links: list[tuple[str, str]]
) -> None:
    path = longest_path(weights, links)

    assert all(pair in links for pair in pairwise(path))
    assert sum(weights[item] for item in path) == _heaviest(weights, links)


@given(links_lists)
def test_longest_path_does_not_depend_on_the_order_of_links(
    links: list[tuple[str, str]],
) -> None:
    weights = dict.fromkeys(items, 1)
    mixed = sorted(links, key=lambda pair: (pair[1], pair[0]), reverse=True)

    assert longest_path(weights, mixed) == longest_path(weights, links)


@pytest.mark.parametrize(
    ("links", "expected"),
    [
        ([], []),
        ([("a", "b"), ("c", "d")], ["a", "b"]),
        ([("a", "d"), ("b", "d")], ["a", "d"]),
        ([("a", "b"), ("b", "c"), ("d", "c")], ["a", "b", "c"]),
    ],
)
def test_longest_path_of_equals_takes_the_first(
    links: list[tuple[str, str]], expected: list[str]
) -> None:
    assert longest_path(dict.fromkeys(items, 1), links) == expected


def test_longest_path_of_a_long_chain_needs_no_deep_stack() -> None:
    count = 20_000
    weights = {str(n): 1 for n in range(count)}

    path = longest_path(weights, [(str(n), str(n + 1)) for n in range(count - 1)])

    assert path == list(weights)
