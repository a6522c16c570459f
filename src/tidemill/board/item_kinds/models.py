"""A kind of work items, and the rules of all kinds of a tenant together."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Final

from msgspec import Struct

from tidemill.board.kind_errors import InvalidItemKind, ItemKindIsRetired, UnknownItemType
from tidemill.board.texts import name_key
from tidemill.core.clock import Instant

PROJECT: Final = "project"
"""What is no kind of work item, though projects can be made and listed beside them."""
_KEY: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
levels_max: Final = 6
levels_below_epic_max: Final = 3
"""Lanes by epic look as far up."""


class WorkItemType(StrEnum):
    """The kinds that every tenant has."""

    EPIC = "epic"
    STORY = "story"
    TASK = "task"
    BUG = "bug"


class ItemKind(Struct, frozen=True, kw_only=True):
    """A kind: `parents` are the kinds under which it may hang.

    One at `top_level` may hang right under the project. Where `in_sprints` is None, a setting says
    whether sprints take it. A kind that nobody has changed yet has no instants.
    """

    key: str
    name: str
    color: str
    icon: str | None = None
    parents: tuple[str, ...] = ()
    top_level: bool = True
    in_sprints: bool | None = None
    position: int = 0
    version: int = 1
    created_at: Instant | None = None
    created_by: str | None = None
    updated_at: Instant | None = None
    updated_by: str | None = None
    retired_at: Instant | None = None

    @property
    def is_built_in(self) -> bool:
        """Return whether every tenant has it."""
        return self.key in BUILT_IN_KEYS


BUILT_IN_KEYS: Final = frozenset(each.value for each in WorkItemType)
BUILT_IN: Final = (
    ItemKind(key="epic", name="Epic", color="#cc79a7", position=0),
    ItemKind(key="story", name="Story", color="#009e73", position=1, parents=("epic",)),
    ItemKind(key="task", name="Task", color="#0072b2", position=2, parents=("story", "bug")),
    ItemKind(key="bug", name="Bug", color="#d55e00", position=3, parents=("epic",)),
)


class Kinds:
    """All kinds of a tenant, retired ones too, in their order."""

    def __init__(self, kinds: Iterable[ItemKind] = BUILT_IN) -> None:
        self.all: tuple[ItemKind, ...] = tuple(
            sorted(kinds, key=lambda kind: (kind.position, kind.key))
        )
        self._by_key: Mapping[str, ItemKind] = {kind.key: kind for kind in self.all}

    def __iter__(self) -> Iterator[ItemKind]:
        return iter(self.all)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Kinds) and other.all == self.all

    def __hash__(self) -> int:
        return hash(self.all)

    def get(self, key: str) -> ItemKind | None:
        """Return a kind, retired or not."""
        return self._by_key.get(key)

    @property
    def offered(self) -> tuple[str, ...]:
        """Return the keys of kinds that items can get."""
        return tuple(kind.key for kind in self.all if kind.retired_at is None)

    def check(self, key: str) -> None:
        """Return when items can get the kind.

        Raises `UnknownItemType` and `ItemKindIsRetired`, which name those that they can get.
        """
        kind = self.get(key)
        if kind is None:
            raise UnknownItemType(key, self.offered)
        if kind.retired_at is not None:
            raise ItemKindIsRetired(key, self.offered)

    def parents_of(self, key: str) -> tuple[str, ...]:
        """Return under which kinds one may hang."""
        kind = self.get(key)
        return () if kind is None else kind.parents

    def may_be_top(self, key: str) -> bool:
        """Return whether one may hang right under the project."""
        kind = self.get(key)
        return kind is None or kind.top_level

    def in_sprints(self, types: Sequence[str]) -> tuple[str, ...]:
        """Return the kinds that sprints take, where a setting says `types` of the usual ones."""
        own = (kind.key for kind in self.all if kind.in_sprints)
        return tuple(dict.fromkeys((*types, *own)))

    def named(self, word: str) -> list[str]:
        """Return the keys of kinds that have this key or name."""
        key, name = word.lower().replace(" ", "_").replace("-", "_"), name_key(word)
        return [kind.key for kind in self.all if kind.key == key or name_key(kind.name) == name]

    def depth(self, key: str) -> int:
        """Return how many kinds can be above one: a parent's number is less than its child's."""
        return 1 + max(map(self.depth, self.parents_of(key)), default=-1)


USUAL: Final = Kinds()
"""The kinds of a tenant that changed none."""


def check_together(kinds: Kinds) -> None:
    """Return when the rules of all kinds agree; raises `InvalidItemKind`.

    Each parent is known, nothing is below itself, and no chain is too long.
    """
    for kind in kinds:
        for parent in kind.parents:
            if kinds.get(parent) is None:
                raise InvalidItemKind(
                    "parents", f"{parent} is no kind. There are: {', '.join(kinds.offered)}."
                )
        if not kind.parents and not kind.top_level:
            raise InvalidItemKind(
                "top_level", f"{kind.key} could hang nowhere: give it parents, or the top level."
            )
    _refuse_circle(kinds)
    for kind in kinds:
        if kinds.depth(kind.key) >= levels_max:
            raise InvalidItemKind("parents", f"kinds make at most {levels_max} levels.")
        if _below(kinds, kind.key, WorkItemType.EPIC.value) > levels_below_epic_max:
            raise InvalidItemKind(
                "parents", f"below epics there are at most {levels_below_epic_max} levels."
            )


def valid_key(key: str) -> str:
    """Return a key that no other word of the API has; raises `InvalidItemKind`."""
    if _KEY.fullmatch(key) is None:
        raise InvalidItemKind(
            "key", "it is 1 to 40 lower-case letters, digits and underscores, a letter first."
        )
    if key in {PROJECT, "none"}:
        raise InvalidItemKind("key", f"{key} means something else. Choose another.")
    return key


def _refuse_circle(kinds: Kinds) -> None:
    left = {kind.key: set(kind.parents) for kind in kinds}
    while free := [key for key, parents in left.items() if not parents & left.keys()]:
        for key in free:
            del left[key]
    # What is below a circle is not in it.
    while low := [key for key in left if not any(key in above for above in left.values())]:
        for key in low:
            del left[key]
    if left:
        raise InvalidItemKind(
            "parents", f"these kinds would be below themselves: {', '.join(sorted(left))}."
        )


def _below(kinds: Kinds, key: str, top: str) -> int:
    """Return how many levels one can be below `top`; 0 where it never is."""
    if key == top:
        return 0
    levels = [
        1 + _below(kinds, parent, top)
        for parent in kinds.parents_of(key)
        if parent == top or _below(kinds, parent, top)
    ]
    return max(levels, default=0)
