"""What must come before what, as a graph of starts and finishes.

An item starts before it finishes. What blocks another item finishes before that one starts; a
parent starts before its children do, and finishes after them. So an item that is blocked blocks
all that is below it, and the order is possible when and only when this graph has no cycle.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from tidemill.board.workflows.models import Category

START: Final = 0
FINISH: Final = 1
Node = tuple[str, int]
"""An item, and whether its start or its finish is meant."""
Edge = tuple[Node, Node]
"""Two nodes, the first of which comes before the second."""

BLOCKED_STATUS: Final = "blocked"
steps_told_max: Final = 50


def link(blocking: str, blocked: str) -> Edge:
    """Return that `blocking` finishes before `blocked` starts."""
    return (blocking, FINISH), (blocked, START)


def starts_or_finishes(old: tuple[str, str | None], new: tuple[str, str | None]) -> bool:
    """Return whether an item begins, or is done, that goes from one status to another.

    Each status comes with its category. In one that is called `blocked` an item may wait.
    """
    (before, meant), (after, means) = old, new
    if after in {before, BLOCKED_STATUS}:
        return False
    if means == Category.DONE:
        return True
    return means == Category.STARTED and (meant != Category.STARTED or before == BLOCKED_STATUS)


def shortest_path(edges: Iterable[Edge], start: Node, goal: Node) -> list[Edge]:
    """Return the edges of a shortest way from `start` to `goal`; none when there is no way."""
    following: dict[Node, list[Node]] = defaultdict(list)
    for before, after in edges:
        following[before].append(after)
    came_from: dict[Node, Node] = {}
    waiting = deque([start])
    while waiting:
        node = waiting.popleft()
        for after in following[node]:
            if after in came_from:
                continue
            came_from[after] = node
            if after == goal:
                return _way_back(came_from, start, goal)
            waiting.append(after)
    return []


def left_over(edges: Iterable[Edge]) -> set[Edge]:
    """Return the edges that no order can satisfy: those on cycles, and between cycles.

    What nothing precedes is taken away, again and again (Kahn), then what precedes nothing.
    """
    kept = _without_sources(set(edges))
    turned = _without_sources({(after, before) for before, after in kept})
    return {(before, after) for after, before in turned}


def told(steps: Sequence[Edge], keys: Mapping[str, str]) -> str:
    """Return a way in words: `TM-3 blocks TM-7, which contains TM-9, which blocks TM-3`."""
    said = [(_verb(edge), edge[1][0]) for edge in steps if edge[0][0] != edge[1][0]]
    clauses = [f"{verb} {keys.get(item, item)}" for verb, item in said]
    if len(clauses) > steps_told_max:
        half = steps_told_max // 2
        left_out = len(clauses) - 2 * half
        clauses = [*clauses[:half], f"leads on over {left_out} more", *clauses[-half:]]
    first = steps[0][0][0]
    return f"{keys.get(first, first)} " + ", which ".join(clauses)


def _verb(edge: Edge) -> str:
    (_, before), (_, after) = edge
    if before == FINISH:
        return "is part of" if after == FINISH else "blocks"
    return "contains"


def _way_back(came_from: Mapping[Node, Node], start: Node, goal: Node) -> list[Edge]:
    steps = [(came_from[goal], goal)]
    # A way may lead back to where it began.
    while steps[-1][0] != start:
        steps.append((came_from[steps[-1][0]], steps[-1][0]))
    return steps[::-1]


def _without_sources(edges: set[Edge]) -> set[Edge]:
    following: dict[Node, list[Node]] = defaultdict(list)
    preceding: dict[Node, int] = defaultdict(int)
    for before, after in edges:
        following[before].append(after)
        preceding[after] += 1
    sources = [node for node in following if not preceding[node]]
    gone: set[Node] = set()
    while sources:
        node = sources.pop()
        gone.add(node)
        for after in following.get(node, ()):
            preceding[after] -= 1
            if not preceding[after]:
                sources.append(after)
    return {edge for edge in edges if edge[0] not in gone}
