"""What a document makes: its frame, its items, and what they have to do with each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from tidemill.board.blocking.models import FINISH, START, Edge, left_over, link
from tidemill.board.contract import ProjectId
from tidemill.board.errors import WrongParent
from tidemill.board.item_kinds.models import Kinds
from tidemill.board.limits import BoardLimits
from tidemill.board.project_imports.archives import FoundFile
from tidemill.board.project_imports.frames import FramePlanner
from tidemill.board.project_imports.models import Counts, Known, WrongPart
from tidemill.board.project_imports.planned import PlannedFrame, World
from tidemill.board.project_imports.reading import ProjectDocument
from tidemill.board.project_imports.rows import PlannedItem, RowPlanner
from tidemill.board.project_imports.trying import Trying
from tidemill.board.texts import item_key
from tidemill.board.work_items.models import check_parent, check_without_parent

_HERE = ProjectId("")


class PlannedLink(Struct, frozen=True, order=True):
    """A dependency of two items, by their numbers."""

    type: str
    first: int
    second: int


class Plan(Struct, frozen=True, kw_only=True):
    """All that an import writes, or what is wrong with the document."""

    document_key: str
    frame: PlannedFrame
    items: Sequence[PlannedItem]
    links: Sequence[PlannedLink]
    former_keys: Sequence[tuple[str, int, int]]
    next_item_number: int
    wrong: tuple[WrongPart, ...]
    left_out: tuple[str, ...]

    def parents_first(self) -> list[PlannedItem]:
        """Return the items so that none comes before its parent, else in the order of numbers."""
        kinds = self.frame.kinds
        depths = {one.part.item_type: kinds.depth(one.part.item_type) for one in self.items}
        return sorted(self.items, key=lambda one: (depths[one.part.item_type], one.number))

    @property
    def counts(self) -> Counts:
        """Return how much of each there is."""
        return Counts(
            items=len(self.items),
            sprints=len(self.frame.sprints),
            comments=sum(len(one.comments) for one in self.items),
            time_entries=sum(len(one.times) for one in self.items),
            attachments=sum(len(one.files) for one in self.items),
            dependencies=len(self.links),
        )


class Given(Struct, frozen=True, kw_only=True):
    """What a plan goes by besides the document."""

    key: str | None
    who: Mapping[str, Known]
    found: Mapping[str, FoundFile]
    limits: BoardLimits
    types: Sequence[str]


def plan(document: ProjectDocument, world: World, given: Given) -> Plan:
    """Return what an import of `document` into `world` makes."""
    framing = FramePlanner(document.frame, world, given.who, given.limits)
    frame = framing.plan(given.key)
    rows = RowPlanner(frame, given.who, given.found, (given.limits, given.types))
    key = document.frame.project.key
    items = [rows.plan(place, part, key) for place, part in document.items]
    links, links_out = _links(items, key)
    wrong = dict(rows.wrong)
    for one in (
        *_twins(items),
        *_wrong_parents(items, frame.kinds),
        *_wrong_links(items, links, given.limits.dependencies_per_item_max),
    ):
        place, part = one
        wrong.setdefault(place, part)
    former_keys = _former_keys(items)
    own = (number for former, number, _ in former_keys if former == key)
    missing = sum(one.files_missing for one in items)
    return Plan(
        document_key=key,
        frame=frame,
        items=items,
        links=links,
        former_keys=former_keys,
        next_item_number=max(
            (frame.next_item_number, *(one.number + 1 for one in items), *(1 + at for at in own))
        ),
        wrong=(*framing.wrong, *document.wrong, *(wrong[place] for place in sorted(wrong))),
        left_out=tuple(
            told
            for count, told in (
                (links_out, f"{links_out} links to items of other projects"),
                (missing, f"{missing} files whose bytes did not come along"),
            )
            if count
        ),
    )


def _links(items: Sequence[PlannedItem], key: str) -> tuple[list[PlannedLink], int]:
    """Return the dependencies among `items`, and how many lead elsewhere."""
    known = {one.number for one in items}
    found: dict[PlannedLink, None] = {}
    elsewhere = 0
    for one in items:
        for each in one.part.links:
            other = item_key(each.item)
            if other is None or other[0] != key or other[1] not in known:
                elsewhere += 1
                continue
            ends = (one.number, other[1]) if each.first else (other[1], one.number)
            found[PlannedLink(each.type, *ends)] = None
    return list(found), elsewhere


def _former_keys(items: Iterable[PlannedItem]) -> list[tuple[str, int, int]]:
    """Return project key and number of each key that items had, and the item's number now."""
    return [
        (*key, one.number)
        for one in items
        for former in one.part.former_keys
        if (key := item_key(former)) is not None
    ]


def _twins(items: Sequence[PlannedItem]) -> Iterable[tuple[int, WrongPart]]:
    numbers = Counter(one.number for one in items)
    ids = Counter(one.external_id for one in items if one.external_id is not None)
    for one in items:
        trying = _trying(one)
        if numbers[one.number] > 1:
            trying.refuse("key", one.part.key, "another item has this key.", "a key of its own")
        external_id = one.external_id
        if external_id is not None and ids[external_id] > 1:
            told = "another item has this id."
            trying.refuse("external_id", external_id, told, "an id of its own")
        yield from ((one.place, wrong) for wrong in trying.wrong())


def _wrong_parents(items: Sequence[PlannedItem], kinds: Kinds) -> Iterable[tuple[int, WrongPart]]:
    types = {one.number: one.part.item_type for one in items}
    for one in items:
        trying = _trying(one)
        if kinds.get(one.part.item_type) is None:
            continue
        try:
            if one.part.parent is None:
                check_without_parent(one.part.item_type, kinds)
            elif one.parent in types:
                above = (str(one.parent), types[one.parent], _HERE)
                check_parent((str(one.number), one.part.item_type, _HERE), above, kinds)
            else:
                told = "this is no item of the document."
                trying.refuse("parent", one.part.parent, told, "the key of another item")
        except WrongParent as error:
            trying.refuse("parent", one.part.parent, error.message, "a parent that fits, or none")
        yield from ((one.place, wrong) for wrong in trying.wrong())


def _wrong_links(
    items: Sequence[PlannedItem], links: Sequence[PlannedLink], links_max: int
) -> Iterable[tuple[int, WrongPart]]:
    counts = Counter(number for one in links for number in {one.first, one.second})
    blocking = [one for one in links if one.type == "blocks"]
    edges: list[Edge] = [link(str(one.first), str(one.second)) for one in blocking]
    left = left_over([*edges, *_order_of(items)]) if edges else set()
    circular = {one.first for one, edge in zip(blocking, edges, strict=True) if edge in left}
    circular |= {one.first for one in links if one.first == one.second}
    for one in items:
        trying = _trying(one)
        if counts[one.number] > links_max:
            trying.refuse("links", None, f"there are {counts[one.number]}.", f"at most {links_max}")
        if one.number in circular:
            told = "it blocks what must come before it."
            trying.refuse("links", None, told, "dependencies in an order that can be")
        yield from ((one.place, wrong) for wrong in trying.wrong())


def _order_of(items: Iterable[PlannedItem]) -> Iterable[Edge]:
    """Yield that an item starts before it finishes, and its children in between."""
    for one in items:
        own = str(one.number)
        yield (own, START), (own, FINISH)
        if one.parent is not None:
            yield (str(one.parent), START), (own, START)
            yield (own, FINISH), (str(one.parent), FINISH)


def _trying(item: PlannedItem) -> Trying:
    return Trying(f"items[{item.place}]", item.part.key)
