"""The types of things that have none in their tool: what is above and below says it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_TYPES: Final = {1: ("task",), 2: ("story", "task")}
_THREE_LEVELS: Final = ("epic", "story", "task")


def types_by_depth(parents: Mapping[str, str]) -> dict[str, str]:
    """Return the type of each thing by its id, of which `parents` has the id above it.

    What stands alone is a task; of two levels the upper one is a story, of more the uppermost is
    an epic. `parents` has an empty text for what is at the top.
    """
    depths = {id_: _depth(id_, parents) for id_ in parents}
    roots = {id_: _root(id_, parents) for id_ in parents}
    levels: dict[str, int] = {}
    for id_, root in roots.items():
        levels[root] = max(levels.get(root, 1), depths[id_] + 1)
    found = {}
    for id_, depth in depths.items():
        types = _TYPES.get(levels[roots[id_]], _THREE_LEVELS)
        found[id_] = types[min(depth, len(types) - 1)]
    return found


def _depth(id_: str, parents: Mapping[str, str]) -> int:
    return len(_above(id_, parents))


def _root(id_: str, parents: Mapping[str, str]) -> str:
    above = _above(id_, parents)
    return above[-1] if above else id_


def _above(id_: str, parents: Mapping[str, str]) -> list[str]:
    """Return what is above, nearest first; a file may have loops and endless chains."""
    found: list[str] = []
    at = id_
    # What has no id is above nothing.
    while (parent := parents.get(at, "")) and parent in parents and parent not in {*found, id_}:
        found.append(parent)
        at = parent
        # Any more are of one type.
        if len(found) > len(_THREE_LEVELS):
            break
    return found
