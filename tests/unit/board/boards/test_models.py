from __future__ import annotations

from tidemill.board.boards.models import (
    cards_max,
    lanes_max,
    lanes_shown_max,
    per_cell_max,
    per_cell_of,
)
from tidemill.board.workflow_changes.models import statuses_max


def test_per_cell_of_keeps_a_board_within_its_cards() -> None:
    assert per_cell_of(None, has_lanes=False, counts=[9, 999]) == 50
    assert per_cell_of(None, has_lanes=True, counts=[9, 999]) == 20
    assert per_cell_of(999, has_lanes=False, counts=[9]) == per_cell_max
    assert per_cell_of(100, has_lanes=True, counts=[999] * 40) == cards_max // 40
    assert per_cell_of(100, has_lanes=True, counts=[999] * 3_000) == 1


def test_lanes_shown_max_leaves_each_cell_a_card() -> None:
    shown = lanes_shown_max(statuses_max)

    assert lanes_shown_max(7) == lanes_max
    assert statuses_max * (shown + 1) <= cards_max < statuses_max * (shown + 2)
    assert lanes_shown_max(0) == lanes_max
