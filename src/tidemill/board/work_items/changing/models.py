"""A step of an item from one version to the next, before it is written and after."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from tidemill.board.blocking.service import Watched
from tidemill.board.contract import FieldChange
from tidemill.board.work_items.models import WorkItem


class StepKind(StrEnum):
    """What a step does to an item."""

    CHANGE = "change"
    DELETE = "delete"
    RESTORE = "restore"


class Rules(Struct, frozen=True, kw_only=True):
    """What a tenant has set: which types of items sprints take, and whether blocked items wait."""

    sprint_types: Sequence[str] = ()
    blocked_items_wait: bool = False


class Step(Struct, frozen=True, kw_only=True):
    """An item as it is and as it shall be; `fields` are what differs where it is changed."""

    kind: StepKind
    old: WorkItem
    new: WorkItem
    fields: tuple[FieldChange, ...] = ()

    @property
    def has_new_parent(self) -> bool:
        """Return whether the item comes below another one."""
        return self.new.parent_id is not None and self.new.parent_id != self.old.parent_id

    @property
    def may_be_refused(self) -> bool:
        """Return whether what it meets may refuse it when it is written already."""
        return self.new.limits_id is not None or self.has_new_parent


class Written(Struct, frozen=True, kw_only=True):
    """A step that is written: the item with its new version, and whom it may set free."""

    kind: StepKind
    item: WorkItem
    fields: tuple[FieldChange, ...]
    watched: Watched | None
