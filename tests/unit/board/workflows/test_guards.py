from __future__ import annotations

import pytest

from tidemill.board.workflows.guards import Circumstances, unmet
from tidemill.board.workflows.models import Guard, GuardType
from tidemill.core.actor import Role

_FINE = Circumstances(filled={"assignee_id", "points"}, role=Role.ADMIN)
_BARE = Circumstances(filled=(), role=None, open_blockers=["TM-1"], open_children=["TM-2"])


@pytest.mark.parametrize(
    ("guard", "remedy"),
    [
        (Guard(type=GuardType.ASSIGNEE), "assign"),
        (Guard(type=GuardType.FIELD, field="points"), "fill in points"),
        (Guard(type=GuardType.NO_OPEN_BLOCKERS), "TM-1"),
        (Guard(type=GuardType.NO_OPEN_CHILDREN), "TM-2"),
        (Guard(type=GuardType.ROLE, role=Role.MEMBER), "role is member or above"),
    ],
)
def test_unmet_names_the_guard_and_what_to_do(guard: Guard, remedy: str) -> None:
    [(name, told)] = unmet([guard], _BARE)

    assert name == guard.type.value
    assert remedy in told
    assert unmet([guard], _FINE) == []


def test_unmet_asks_for_the_role_or_one_above() -> None:
    guard = Guard(type=GuardType.ROLE, role=Role.OWNER)

    assert [name for name, _ in unmet([guard], _FINE)] == ["requires_role"]
