from __future__ import annotations

from tidemill.board.boards.models import cards_max, per_cell_max, per_cell_of


def test_per_cell_of_keeps_a_board_within_its_cards() -> None:
    assert per_cell_of(None, has_lanes=False, counts=[9, 999]) == 50
    assert per_cell_of(None, has_lanes=True, counts=[9, 999]) == 20
    assert per_cell_of(999, has_lanes=False, counts=[9]) == per_cell_max
    assert per_cell_of(100, has_lanes=True, counts=[999] * 40) == cards_max // 40
    assert per_cell_of(100, has_lanes=True, counts=[999] * 3_000) == 1
