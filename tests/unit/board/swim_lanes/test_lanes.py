from __future__ import annotations

from tidemill.board.board_settings.models import LaneField
from tidemill.board.boards.models import NO_LANE, LaneChoice
from tidemill.board.swim_lanes.lanes import LANES
from tidemill.board.work_items.models import Priority
from tidemill.cli.commands.board import LaneOption


def test_lanes_come_in_the_order_of_their_fields_and_can_all_be_asked_for() -> None:
    assert set(LANES) == set(LaneField)
    assert LANES[LaneField.PRIORITY].choices == tuple(Priority)
    assert LANES[LaneField.ITEM_TYPE].is_kind
    wanted = {*(field.value for field in LaneField), NO_LANE}
    assert {one.value for one in LaneChoice} == wanted
    assert {one.value for one in LaneOption} == wanted
