from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.board.blocking.models import (
    FINISH,
    START,
    Edge,
    Node,
    left_over,
    link,
    shortest_path,
    starts_or_finishes,
    steps_told_max,
    told,
)
from tidemill.board.workflows.models import DEFAULT_WORKFLOW

nodes = st.tuples(st.sampled_from("abcdef"), st.sampled_from((START, FINISH)))
graphs = st.lists(st.tuples(nodes, nodes), max_size=30)


def _reachable(edges: list[Edge], start: Node) -> set[Node]:
    """Return what follows `start`, by trying until nothing more is found."""
    found: set[Node] = set()
    while True:
        more = {after for before, after in edges if before == start or before in found} - found
        if not more:
            return found
        found |= more


@given(graphs, nodes, nodes)
def test_shortest_path_leads_from_start_to_goal_when_there_is_a_way(
    edges: list[Edge], start: Node, goal: Node
) -> None:
    path = shortest_path(edges, start, goal)

    assert bool(path) == (goal in _reachable(edges, start))
    if path:
        assert (path[0][0], path[-1][1]) == (start, goal)
        assert all(one[1] == other[0] for one, other in pairwise(path))
        assert set(path) <= set(edges)
        assert len(set(path)) == len(path)


@given(graphs)
def test_left_over_holds_every_cycle_and_is_empty_without_one(edges: list[Edge]) -> None:
    left = left_over(edges)

    on_cycles = {edge for edge in edges if edge[0] in _reachable(edges, edge[1]) | {edge[1]}}
    assert on_cycles <= left <= set(edges)
    assert bool(left) == bool(on_cycles)
    rest = TopologicalSorter[Node]()
    for before, after in set(edges) - left:
        rest.add(after, before)
    try:
        rest.prepare()
    except CycleError as error:
        pytest.fail(f"a cycle was not reported: {error}")


@pytest.mark.parametrize(
    ("steps", "sentence"),
    [
        ([link("a", "b")], "TM-1 blocks b"),
        (
            [
                link("a", "b"),
                (("b", START), ("c", START)),
                (("c", START), ("c", FINISH)),
                link("c", "a"),
                (("a", START), ("a", FINISH)),
            ],
            "TM-1 blocks b, which contains c, which blocks TM-1",
        ),
        (
            [(("c", FINISH), ("a", FINISH)), link("a", "c"), (("c", START), ("c", FINISH))],
            "c is part of TM-1, which blocks c",
        ),
    ],
)
def test_told_says_each_step_in_words(steps: list[Edge], sentence: str) -> None:
    assert told(steps, {"a": "TM-1"}) == sentence


def test_told_leaves_out_the_middle_of_a_long_way() -> None:
    steps = [link(str(place), str(place + 1)) for place in range(500)]

    sentence = told(steps, {})

    assert sentence.count(", which ") == steps_told_max
    assert sentence.startswith("0 blocks 1, which blocks 2")
    assert "leads on over 450 more" in sentence
    assert sentence.endswith("which blocks 500")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("todo", "in_progress", True),
        ("backlog", "in_progress", True),
        ("todo", "blocked", False),
        ("blocked", "in_progress", True),
        ("blocked", "review", True),
        ("in_progress", "review", False),
        ("in_progress", "done", True),
        ("review", "done", True),
        ("done", "done", False),
        ("in_progress", "cancelled", False),
        ("in_progress", "todo", False),
        ("gone", "in_progress", True),
    ],
)
def test_starts_or_finishes_tells_beginnings_and_ends(old: str, new: str, expected: bool) -> None:
    meant, means = map(DEFAULT_WORKFLOW.category_of, (old, new))

    assert starts_or_finishes((old, meant), (new, means)) is expected
