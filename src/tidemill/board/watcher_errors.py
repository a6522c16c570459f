"""Failures around watchers."""

from __future__ import annotations

from tidemill.board.errors import shown
from tidemill.core.errors import Forbidden, RuleViolation


class WatcherNotMember(RuleViolation):
    """Whoever shall hear of an item is no active member of the tenant."""

    code = "WATCHER_NOT_MEMBER"

    def __init__(self, user: str) -> None:
        super().__init__(
            f"{shown(user)} is the id of no active member. `tidemill members list` tells ids.",
            param="user_id",
        )


class WatchForOthers(Forbidden):
    """Whoever is no editor of a project says for oneself alone what to hear of."""

    code = "WATCH_FOR_OTHERS"

    def __init__(self) -> None:
        super().__init__(
            "Only editors of the project say what others hear of. Use `me`, or ask one.",
            param="user_id",
        )
