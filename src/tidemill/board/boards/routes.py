"""HTTP of boards."""

from __future__ import annotations

from typing import Annotated, Final

from litestar.params import QueryParameter

from tidemill.board.board_errors import LaneUnclear
from tidemill.board.board_settings.models import LaneField
from tidemill.board.boards.models import NO_LANE, LaneChoice, Wanted, per_cell_max
from tidemill.board.boards.schemas import BoardView, CardPage, CardView
from tidemill.board.boards.service import BoardService, Place
from tidemill.board.filters.parsing import parse
from tidemill.board.listing.routes import TimeZone
from tidemill.board.listing.service import zone_of
from tidemill.board.permissions import READ_WORK_ITEMS
from tidemill.core.actor import Actor
from tidemill.http import FOR_GUESTS, get
from tidemill.http.parameters import Cursor, Limit

BoardFilter = Annotated[
    str | None,
    QueryParameter(
        name="filter",
        description="What the items fulfil, such as `is:open assignee:me`; it cannot sort.",
    ),
]
SprintParameter = Annotated[
    str | None,
    QueryParameter(
        name="sprint", max_length=100, description="Only its items: an id, a name, or `active`."
    ),
]
BoardLane = Annotated[
    LaneChoice | None,
    QueryParameter(
        name="lane",
        description="By which field the board is cut into lanes, or `none`; as is set otherwise.",
    ),
]
PerCell = Annotated[
    int | None,
    QueryParameter(
        name="limit",
        ge=1,
        le=per_cell_max,
        description="How many cards each column, or each column of each lane, shows at most: 50, "
        "or 20 with lanes. A board has 2000 cards at most; `limit` in the answer is what it took.",
    ),
]
CellLane = Annotated[
    LaneField | None, QueryParameter(name="lane", description="The field of the board's lanes.")
]
LaneValue = Annotated[
    str | None,
    QueryParameter(
        name="lane_value",
        max_length=100,
        description="`value` of the lane; `none` is the lane of items without one.",
    ),
]


@get("/projects/{project_id:str}/board", READ_WORK_ITEMS, opt=FOR_GUESTS)
async def get_board(  # noqa: PLR0913 - each parameter is one of the query
    *,
    project_id: str,
    actor: Actor,
    boards: BoardService,
    lane: BoardLane = None,
    filter_: BoardFilter = None,
    sprint: SprintParameter = None,
    time_zone: TimeZone = None,
    limit: PerCell = None,
) -> BoardView:
    """Read a whole board: columns, lanes, limits, and the first cards of each column and lane."""
    wanted = Wanted(
        filter=parse(filter_ or ""),
        zone=zone_of(time_zone),
        sprint=sprint,
        lane=lane,
        per_cell=limit,
    )
    return BoardView.of(await boards.read(project_id, wanted, actor=actor))


@get("/projects/{project_id:str}/board/columns/{status:str}", READ_WORK_ITEMS, opt=FOR_GUESTS)
async def list_board_cards(  # noqa: PLR0913 - each parameter is one of the query
    *,
    project_id: str,
    status: str,
    actor: Actor,
    boards: BoardService,
    lane: CellLane = None,
    lane_value: LaneValue = None,
    filter_: BoardFilter = None,
    sprint: SprintParameter = None,
    time_zone: TimeZone = None,
    limit: Limit = None,
    cursor: Cursor = None,
) -> CardPage:
    """List the cards of one column, or of one lane in it, in the order of their ranks.

    It goes on from the `next_cursor` of the board that was asked for with the same filter, sprint
    and time zone.
    """
    if (lane is None) != (lane_value is None):
        raise LaneUnclear
    place = Place(
        status=status,
        lane=None if lane is None else (lane, None if lane_value == NO_LANE else lane_value),
        limit=limit,
        cursor=cursor,
    )
    wanted = Wanted(filter=parse(filter_ or ""), zone=zone_of(time_zone), sprint=sprint)
    cards = await boards.cell(project_id, place, wanted, actor=actor)
    return CardPage(
        items=[CardView.of(card, cards.project_key) for card in cards.page.items],
        next_cursor=cards.page.next_cursor,
    )


ROUTES: Final = (get_board, list_board_cards)
