"""HTTP of functions."""

from __future__ import annotations

from tidemill.core.pages import page_request
from tidemill.http import get
from tidemill.http.parameters import Cursor, Limit
from tidemill.jobs.functions.schemas import FunctionPage, FunctionView
from tidemill.jobs.functions.service import FunctionService
from tidemill.jobs.permissions import READ_JOBS


@get("/functions", READ_JOBS)
async def list_functions(
    functions: FunctionService, limit: Limit = None, cursor: Cursor = None
) -> FunctionPage:
    """List the functions of the operator's own code that `POST /jobs` may call, by name."""
    found = await functions.list(page_request(limit, cursor, "functions"))
    return FunctionPage(
        items=[FunctionView.of(function) for function in found.items],
        next_cursor=found.next_cursor,
    )


ROUTES = (list_functions,)
