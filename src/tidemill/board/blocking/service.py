"""Keeps the order of items possible, and tells who waits and who waits no longer.

An order is one for all projects of the tenant, whoever may see them; what is told is not.
Each method works in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from tidemill.board.blocking.models import (
    FINISH,
    START,
    Edge,
    Node,
    left_over,
    link,
    shortest_path,
    told,
)
from tidemill.board.blocking.repository import BlockingRepository, Waiting
from tidemill.board.contract import ProjectId, WorkItemId
from tidemill.board.dependency_errors import (
    BlockersUnfinished,
    DependencyCycle,
    DependencyCycles,
)
from tidemill.board.dependency_facts import WorkItemBlocked, WorkItemUnblocked
from tidemill.board.project_access.whole import whole
from tidemill.core.actor import Actor
from tidemill.core.ports import Tx

blockers_told_max: Final = 5
UNSEEN: Final = "an item that you may not see"


class Watched(Struct, frozen=True):
    """Items that a change may set free or hold up, and which of them waited before it."""

    ids: Sequence[WorkItemId]
    blocked: Waiting


class Blocking:
    """What must come before what."""

    def __init__(self) -> None:
        self._graph = BlockingRepository()

    def lock(self, tx: Tx) -> None:
        """Let nobody else of the tenant join items until the transaction ends.

        Ahead of the locks of single items: two that wait for each other would both be held up.
        """
        self._graph.lock(tx)

    def refuse_cycle(self, tx: Tx, blocking: WorkItemId, blocked: WorkItemId) -> None:
        """Return when the tenant is locked and the link closes no cycle.

        Raises `DependencyCycle`.
        """
        self._refuse(tx, link(blocking, blocked), "blocked_item_id")

    def refuse_cycle_of_parent(self, tx: Tx, child: WorkItemId, parent: WorkItemId) -> None:
        """Return when the tenant is locked and a parent, as it is written, closes no cycle.

        Raises `DependencyCycle`.
        """
        self._refuse(tx, ((parent, START), (child, START)), "parent_id")
        self._refuse(tx, ((child, FINISH), (parent, FINISH)), "parent_id")

    def refuse_cycles(
        self, tx: Tx, links: Sequence[tuple[int, tuple[WorkItemId, WorkItemId]]]
    ) -> None:
        """Return when the tenant is locked and links, as they are written, close no cycle.

        Each has its place in the list that somebody gave.

        Raises `DependencyCycles`, which names each link that an order cannot satisfy.
        """
        edges = self._graph.edges(
            whole(tx), dict.fromkeys(blocked for _, (_, blocked) in links), START
        )
        wanted = [(place, link(*each)) for place, each in links]
        # The finish of what blocks need not follow any of the starts.
        left = left_over([*edges, *(edge for _, edge in wanted)])
        wrong = [(place, edge) for place, edge in wanted if edge in left]
        if wrong:
            keys = self._keys(tx, _items_of(edge for _, edge in wrong))
            raise DependencyCycles([(place, told([edge], keys)) for place, edge in wrong])

    def following(self, tx: Tx, ids: Iterable[str]) -> list[Edge]:
        """Return all that comes after the starts of items."""
        return self._graph.edges(whole(tx), ids, START)

    def watch(self, tx: Tx, item_id: WorkItemId) -> Watched:
        """Return what an item blocks; nobody else changes it until the transaction ends."""
        return self.watch_items(tx, self.dependents(tx, item_id))

    def dependents(self, tx: Tx, item_id: WorkItemId) -> list[WorkItemId]:
        """Return what an item blocks, finished or not."""
        return self._graph.dependents(whole(tx), item_id)

    def watch_project(self, tx: Tx, project_id: ProjectId) -> Watched:
        """Return what items of a project block elsewhere; see `watch`."""
        return self.watch_items(tx, self._graph.dependents_of_project(whole(tx), project_id))

    def watch_items(self, tx: Tx, ids: Sequence[WorkItemId]) -> Watched:
        """Return these items; see `watch`."""
        if not ids:
            return Watched((), {})
        # Of two that finish the last two blockers at once, the later one sees what both did.
        self._graph.lock_items(whole(tx), ids)
        return Watched(ids, self._graph.blocked_among(whole(tx), ids))

    def tell(self, tx: Tx, watched: Watched | None, *, by: Actor) -> None:
        """Tell which of the watched items wait now, and which wait no longer."""
        if watched is None or not watched.ids:
            return
        blocked = self._graph.blocked_among(whole(tx), watched.ids)
        freed = {item: at for item, at in watched.blocked.items() if item not in blocked}
        held = {item: at for item, at in blocked.items() if item not in watched.blocked}
        for fact, items in ((WorkItemUnblocked, freed), (WorkItemBlocked, held)):
            for item_id, (key, project_id) in items.items():
                tx.record(
                    fact(work_item_id=item_id, key=key, project_id=project_id, user_id=by.user_id),
                    by=by,
                )

    def unfinished(self, tx: Tx, item_id: WorkItemId, *, limit: int) -> list[str]:
        """Return the keys of unfinished items that block this one."""
        keys = self._graph.blockers(tx, item_id, limit=limit)
        everywhere = whole(tx)
        if everywhere is not tx and len(self._graph.blockers(everywhere, item_id, limit=limit)) > (
            len(keys)
        ):
            keys.append(UNSEEN)
        return keys

    def refuse_waiting(self, tx: Tx, item_id: WorkItemId) -> None:
        """Return when nothing unfinished blocks an item; raises `BlockersUnfinished`."""
        blockers = self.unfinished(tx, item_id, limit=blockers_told_max + 1)
        if blockers:
            raise BlockersUnfinished(blockers[:blockers_told_max], len(blockers))

    def _refuse(self, tx: Tx, edge: Edge, param: str) -> None:
        before, after = edge
        if not self._graph.reaches(whole(tx), after, before):
            return
        path = [edge, *self._path(tx, after, before)]
        keys = self._keys(tx, _items_of(path))
        raise DependencyCycle(told(path, keys), param=param)

    def _keys(self, tx: Tx, ids: Iterable[str]) -> Mapping[str, str]:
        """Return by what items are told to whoever may not see all of them."""
        given = list(ids)
        return {**dict.fromkeys(given, UNSEEN), **self._graph.keys(tx, given)}

    def _path(self, tx: Tx, start: Node, goal: Node) -> list[Edge]:
        return shortest_path(self._graph.edges(whole(tx), [start[0]], start[1]), start, goal)


def together(watched: Iterable[Watched | None]) -> Watched:
    """Return what several changes watch, one after the other: who waited before the first."""
    blocked: Waiting = {}
    seen: dict[WorkItemId, None] = {}
    for each in watched:
        if each is not None:
            new = [item_id for item_id in each.ids if item_id not in seen]
            blocked |= {id_: each.blocked[id_] for id_ in new if id_ in each.blocked}
            seen |= dict.fromkeys(new)
    return Watched(tuple(seen), blocked)


def _items_of(path: Iterable[Edge]) -> set[str]:
    return {item for edge in path for item, _ in edge}
