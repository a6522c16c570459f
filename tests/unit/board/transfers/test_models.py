from __future__ import annotations

import pytest

from tidemill.board.transfers.models import status_in
from tidemill.board.workflows.models import Category, Status, Workflow

_OTHER = Workflow(
    statuses=(
        Status(key="idea", name="Idea", category=Category.BACKLOG),
        Status(key="todo", name="Todo", category=Category.STARTED),
        Status(key="shipped", name="Shipped", category=Category.DONE),
    ),
    initial="idea",
)


@pytest.mark.parametrize(
    ("status", "category", "wanted"),
    [
        ("todo", "unstarted", "todo"),
        ("review", "started", "todo"),
        ("done", "done", "shipped"),
        ("cancelled", "cancelled", "shipped"),
        ("ready", "unstarted", "idea"),
        ("odd", None, "idea"),
    ],
)
def test_status_in_another_workflow_is_its_own_or_the_first_that_means_the_same(
    status: str, category: str | None, wanted: str
) -> None:
    assert status_in(_OTHER, status, category) == wanted
