"""Which dependencies of rows are made, and which cannot be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from tidemill.board.blocking.models import FINISH, START, Edge, left_over, link
from tidemill.board.imports.models import Draft

_BLOCKS: Final = "blocks"
_RELATES: Final = "relates_to"


class PlannedLink(Struct, frozen=True, order=True):
    """A dependency of two rows, by their lines."""

    dependency_type: str
    first: int
    second: int


class Linked(Struct, frozen=True):
    """The dependencies to make, what is wrong by line, and how many lead out of the import."""

    links: tuple[PlannedLink, ...]
    problems: Mapping[int, str]
    left_out: int


class Order(Struct, frozen=True, kw_only=True):
    """What is above rows, by line: other lines, or items, with all that comes after those."""

    lines: Mapping[int, int]
    items: Mapping[int, str]
    after_items: Collection[Edge]


def linked(
    drafts: Sequence[Draft],
    order: Order,
    by_id: Mapping[str, Draft],
    prefix: str,
    links_max: int,
) -> Linked:
    """Return the dependencies of the rows that are imported."""
    lines = {draft.line for draft in drafts}
    found: dict[PlannedLink, None] = {}
    left_out: set[tuple[str, int, str]] = set()
    for draft in drafts:
        for each in draft.links:
            other = by_id.get(prefix + each.other)
            if other is None or other.line not in lines or other.line == draft.line:
                left_out.add((each.dependency_type, draft.line, each.other))
                continue
            pair = (draft.line, other.line) if each.has_row_first else (other.line, draft.line)
            # Two that relate to each other may both say so.
            if each.dependency_type == _RELATES:
                pair = (min(pair), max(pair))
            found[PlannedLink(each.dependency_type, *pair)] = None
    places = {draft.line: draft.place for draft in drafts}
    problems = _too_many(found, links_max) | _cycles(found, order, places)
    return Linked(tuple(found), problems, len(left_out))


def _too_many(links: Iterable[PlannedLink], links_max: int) -> dict[int, str]:
    counts = Counter(line for each in links for line in (each.first, each.second))
    return {
        line: f"it has {count} dependencies; {links_max} are the limit."
        for line, count in counts.items()
        if count > links_max
    }


def _cycles(
    links: Iterable[PlannedLink], order: Order, places: Mapping[int, str]
) -> dict[int, str]:
    blocking = {
        link(str(each.first), str(each.second)): each
        for each in links
        if each.dependency_type == _BLOCKS
    }
    if not blocking:
        return {}
    edges: list[Edge] = [*blocking, *order.after_items]
    edges += [((str(line), START), (str(line), FINISH)) for line in places]
    for child, parent in (*order.lines.items(), *order.items.items()):
        edges.append(((str(parent), START), (str(child), START)))
        edges.append(((str(child), FINISH), (str(parent), FINISH)))
    left = left_over(edges)
    return {
        each.first: f"it blocks {places[each.second]}, which must come before it."
        for edge, each in blocking.items()
        if edge in left
    }
