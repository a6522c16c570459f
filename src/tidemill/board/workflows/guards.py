"""The conditions of a move, and what to do where one is not met."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Final

from msgspec import Struct

from tidemill.board.workflows.models import Guard, GuardType
from tidemill.core.actor import Role

GUARDED_FIELDS: Final = (
    "description", "points", "estimate_seconds", "start_date", "due_date", "parent_id",
    "sprint_id", "labels",
)  # fmt: skip
"""What `requires_field` may name; for the assignee there is a guard of its own."""


class Circumstances(Struct, frozen=True, kw_only=True):
    """Of an item and whoever moves it, as much as guards ask for.

    `filled` are the fields that hold something; of open blockers and children the first few keys.
    """

    filled: Collection[str]
    role: Role | None
    open_blockers: Sequence[str] = ()
    open_children: Sequence[str] = ()


def unmet(guards: Iterable[Guard], at: Circumstances) -> list[tuple[str, str]]:
    """Return the guards that hold an item back, each with what to do about it."""
    found = ((guard.type.value, _remedy(guard, at)) for guard in guards)
    return [(name, remedy) for name, remedy in found if remedy is not None]


def _remedy(guard: Guard, at: Circumstances) -> str | None:
    if guard.type is GuardType.ASSIGNEE:
        return None if "assignee_id" in at.filled else "assign the item to somebody."
    if guard.type is GuardType.FIELD:
        return None if guard.field in at.filled else f"fill in {guard.field}."
    if guard.type is GuardType.NO_OPEN_BLOCKERS:
        return _first(at.open_blockers, "finish what blocks it, or unlink it")
    if guard.type is GuardType.NO_OPEN_CHILDREN:
        return _first(at.open_children, "finish or cancel what lies below it")
    needed = guard.role or Role.OWNER
    if at.role is not None and at.role.rank >= needed.rank:
        return None
    return f"ask somebody whose role is {needed} or above."


def _first(keys: Sequence[str], remedy: str) -> str | None:
    return f"{remedy}: {', '.join(keys)}." if keys else None
