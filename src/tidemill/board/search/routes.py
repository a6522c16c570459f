"""HTTP of searches."""

from __future__ import annotations

from typing import Annotated

from litestar.params import QueryParameter

from tidemill.board.filters.parsing import parse
from tidemill.board.listing.models import Selection
from tidemill.board.listing.routes import FilterText, TimeZone
from tidemill.board.listing.service import zone_of
from tidemill.board.permissions import READ_WORK_ITEMS
from tidemill.board.search.schemas import SearchView
from tidemill.board.search.service import SearchService
from tidemill.core.actor import Actor
from tidemill.core.pages import page_request
from tidemill.http import FOR_GUESTS, get
from tidemill.http.parameters import Limit

Words = Annotated[
    str,
    QueryParameter(
        name="q",
        description="A key such as TM-12, or words: of titles, descriptions and comments, or "
        "their beginnings; slips in long words of titles are forgiven.",
    ),
]


@get("/search", READ_WORK_ITEMS, opt=FOR_GUESTS)
async def search(
    *,
    q: Words,
    actor: Actor,
    searches: SearchService,
    filter_: FilterText = None,
    time_zone: TimeZone = None,
    limit: Limit = None,
) -> SearchView:
    """Find work items by words, those that fit best first."""
    wanted = Selection(filter=parse(filter_ or ""), zone=zone_of(time_zone))
    many = page_request(limit, None).limit
    return SearchView.of(await searches.find(q, wanted, limit=many, actor=actor))


ROUTES = (search,)
