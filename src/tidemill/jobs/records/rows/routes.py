"""HTTP of rows."""

from __future__ import annotations

import msgspec

from tidemill.core.actor import Actor
from tidemill.core.pages import page_request
from tidemill.http import get
from tidemill.http.parameters import Cursor, Limit
from tidemill.jobs.permissions import READ_JOBS
from tidemill.jobs.records.rows.schemas import RowPage
from tidemill.jobs.records.rows.service import RowService


@get("/jobs/{job_id:str}/rows", READ_JOBS)
async def list_job_rows(
    job_id: str, actor: Actor, job_rows: RowService, limit: Limit = None, cursor: Cursor = None
) -> RowPage:
    """List all rows of a query whose result is `truncated`, while its worker shares our files."""
    page = page_request(limit, cursor, f"rows:{job_id}")
    found = await job_rows.page(job_id, page, actor=actor)
    return RowPage(
        items=[msgspec.json.decode(row.json) for row in found.items],
        next_cursor=found.next_cursor,
    )


ROUTES = (list_job_rows,)
