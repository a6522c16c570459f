"""Keeps handles as the facts of identity say, and finds who is meant by one."""

from __future__ import annotations

from collections.abc import Sequence

from tidemill.board.handles.models import folded, handles_of, meant_by
from tidemill.board.handles.repository import HandleRepository, handles_max
from tidemill.core.facts import RecordedFact, decode_fact
from tidemill.core.module import Projection
from tidemill.core.ports import Tx
from tidemill.identity import MemberAdded, MemberRemoved, UserProfileChanged


class Handles:
    """The handles of a tenant's members, in the caller's transaction."""

    def __init__(self) -> None:
        self._handles = HandleRepository()

    def meant(self, tx: Tx, names: Sequence[str]) -> dict[str, str]:
        """Return the user ids of those of `names`, at most 50, that each mean one member."""
        by_name = {name: handle for name in names[:handles_max] if (handle := folded(name))}
        if not by_name:
            return {}
        users = meant_by(self._handles.find(tx, list(dict.fromkeys(by_name.values()))))
        return {name: users[handle] for name, handle in by_name.items() if handle in users}

    def put(self, tx: Tx, user_id: str, name: str) -> None:
        """Let a member be mentioned by this name, and by no earlier one."""
        self._handles.remove(tx, user_id)
        self._handles.add(tx, user_id, handles_of(user_id, name))

    def apply(self, tx: Tx, recorded: RecordedFact) -> None:
        """Take in what happened to a member."""
        match recorded.type:
            case "MemberAdded":
                added = decode_fact(recorded, MemberAdded)
                self.put(tx, added.user_id, added.name)
            case "UserProfileChanged":
                changed = decode_fact(recorded, UserProfileChanged)
                # Who has left stays unknown, whatever the name is now.
                if self._handles.remove(tx, changed.user_id):
                    self._handles.add(
                        tx, changed.user_id, handles_of(changed.user_id, changed.name)
                    )
            case "MemberRemoved":
                self._handles.remove(tx, decode_fact(recorded, MemberRemoved).user_id)
            case _:
                pass


def handles_projection() -> Projection:
    """Return the follower that keeps the tenants' handles."""
    return Projection(
        name="board.handles",
        facts=(MemberAdded, UserProfileChanged, MemberRemoved),
        apply=Handles().apply,
    )
