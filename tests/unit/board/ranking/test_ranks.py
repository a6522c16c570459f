from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.board.ranking.ranks import FIRST, LENGTH_MAX, InvalidRank, between, spread


@given(st.lists(st.integers(min_value=0, max_value=10**6), max_size=200))
def test_ranks_stay_in_order_wherever_one_is_put(places: list[int]) -> None:
    ranks: list[str] = []
    for place in places:
        at = place % (len(ranks) + 1)
        before = ranks[at - 1] if at else None
        after = ranks[at] if at < len(ranks) else None
        ranks.insert(at, between(before, after))

    assert ranks == sorted(set(ranks), key=str.encode)


@given(st.integers(min_value=0, max_value=300), st.data())
def test_ranks_spread_over_a_gap_fill_it_in_order(count: int, data: st.DataObject) -> None:
    bounds = spread(None, None, 5)
    low = data.draw(st.sampled_from([None, *bounds[:2]]))
    high = data.draw(st.sampled_from([None, *bounds[2:]]))

    ranks = spread(low, high, count)

    assert ranks == sorted(set(ranks), key=str.encode)
    assert len(ranks) == count
    assert all((low is None or low < rank) and (high is None or rank < high) for rank in ranks)


@pytest.mark.parametrize("at_the_end", [True, False])
def test_ranks_at_either_end_grow_with_the_logarithm_of_their_number(at_the_end: bool) -> None:
    rank = FIRST
    for _ in range(50_000):
        following = between(rank, None) if at_the_end else between(None, rank)
        assert (rank < following) is at_the_end
        rank = following

    assert len(rank) <= 4


def test_ranks_put_into_one_gap_grow_by_a_digit_for_each_five_of_them() -> None:
    low, high = spread(None, None, 2)
    count = 0
    while len(high) <= LENGTH_MAX:
        high = between(low, high)
        count += 1

    assert count > 5 * LENGTH_MAX
    assert low < high


def test_ranks_spread_over_a_worn_gap_are_short_again() -> None:
    low, high = spread(None, None, 2)

    assert max(len(rank) for rank in spread(low, high, 1_000)) <= 5


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a1", "a0"),
        ("a1", "a1"),
        ("a", None),
        ("a0V0", None),
        ("?0", None),
        ("", "a0"),
        ("a0", "a!"),
        ("é0", None),
        ("A" + "0" * 26, None),
    ],
)
def test_ranks_refuse_what_is_none(before: str | None, after: str | None) -> None:
    with pytest.raises(InvalidRank):
        between(before, after)


def test_ranks_end_nowhere() -> None:
    smallest = "A" + "0" * 25 + "1"
    largest = "z" * 27

    assert between(None, smallest) < smallest
    assert between(None, between(None, smallest)) < between(None, smallest)
    assert between(largest, None) > largest
