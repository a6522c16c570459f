"""HTTP of functions."""

from __future__ import annotations

from tidemill.core.actor import Actor
from tidemill.core.pages import page_request
from tidemill.http import get
from tidemill.http.parameters import Cursor, Limit
from tidemill.jobs.code.functions.schemas import FunctionPage, FunctionView
from tidemill.jobs.code.functions.service import FunctionService
from tidemill.jobs.folders.models import function_path
from tidemill.jobs.folders.service import FolderService
from tidemill.jobs.permissions import READ_JOBS


@get("/functions", READ_JOBS)
async def list_functions(
    actor: Actor,
    functions: FunctionService,
    folders: FolderService,
    limit: Limit = None,
    cursor: Cursor = None,
) -> FunctionPage:
    """List the functions of the operator's own code that `POST /jobs` may call, by name.

    A page leaves out those of folders that the caller may not read.
    """
    found = await functions.list(page_request(limit, cursor, "functions"))
    hidden = await folders.hides(actor)
    return FunctionPage(
        items=[FunctionView.of(one) for one in found.items if not hidden(function_path(one.name))],
        next_cursor=found.next_cursor,
    )


ROUTES = (list_functions,)
