"""Facts about kinds of work items, for those who follow the board."""

from __future__ import annotations

from msgspec import Struct

from tidemill.board.contract import BoardFact
from tidemill.core.facts import Topic


class ItemKindState(Struct, frozen=True, kw_only=True):
    """A kind as facts carry it; `in_sprints` is None where a setting says it."""

    key: str
    name: str
    color: str
    icon: str | None
    parents: tuple[str, ...]
    top_level: bool
    in_sprints: bool | None
    retired: bool
    version: int


class ItemKindFact(BoardFact, frozen=True, kw_only=True):
    """Base of the facts of kinds."""

    kind: ItemKindState
    user_id: str | None

    def topics(self) -> tuple[Topic, ...]:
        """Return nothing: who follows the tenant hears of its kinds."""
        return ()

    @property
    def subject(self) -> str:
        """Return the kind's key."""
        return self.kind.key


class ItemKindCreated(ItemKindFact, frozen=True, kw_only=True):
    """A tenant has a kind of its own."""


class ItemKindUpdated(ItemKindFact, frozen=True, kw_only=True):
    """A kind's name, looks or rules changed, or it was retired or came back."""


class ItemKindDeleted(ItemKindFact, frozen=True, kw_only=True):
    """A kind was deleted; `items_moved` of its items became items of the kind `moved_to`.

    Those items have new versions, and no facts of their own.
    """

    moved_to: str | None = None
    items_moved: int = 0
