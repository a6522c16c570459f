from __future__ import annotations

from tidemill.board.blocking.service import Watched, together
from tidemill.board.contract import ProjectId, WorkItemId


def _waiting(*names: str) -> dict[WorkItemId, tuple[str, ProjectId]]:
    return {WorkItemId(name): (f"TM-{name}", ProjectId("p")) for name in names}


def _ids(*names: str) -> list[WorkItemId]:
    return [WorkItemId(name) for name in names]


def test_together_keeps_who_waited_before_the_first_of_several_changes() -> None:
    first = Watched(_ids("1", "2"), _waiting("1"))
    second = Watched(_ids("1", "2", "3"), _waiting("2", "3"))

    both = together([first, None, second])

    assert both == Watched(tuple(_ids("1", "2", "3")), _waiting("1", "3"))
