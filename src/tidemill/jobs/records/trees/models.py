"""Trees of jobs; no I/O."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Final

from msgspec import Struct

from tidemill.jobs.queueing.queue.models import Job

nodes_per_look_max: Final = 10_000


class Node(Struct, frozen=True):
    """A job's place in its tree: ids made here, and whether it has not ended."""

    id: str
    parent_id: str | None
    live: bool


class Tree(Struct, frozen=True, kw_only=True):
    """A part of a tree, in the order in which its jobs were made, after the job at its root.

    `states` counts by state those of all its jobs that its reader may see; only the first part
    has it.
    """

    root: Job | None
    jobs: Sequence[Job]
    states: dict[str, int] | None = None


def below(above: Collection[str], nodes: Iterable[Node]) -> list[Node]:
    """Return what hangs below jobs with these ids, nearest first; `nodes` come in any order."""
    children: dict[str | None, list[Node]] = {}
    for node in nodes:
        children.setdefault(node.parent_id, []).append(node)
    found: list[Node] = []
    level = [id_ for id_ in children if id_ is not None and id_ in above]
    while level:
        next_level = [child for id_ in level for child in children.pop(id_, [])]
        found += next_level
        level = [node.id for node in next_level]
    return found
