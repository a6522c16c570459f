"""HTTP of trees of jobs."""

from __future__ import annotations

from tidemill.core.actor import Actor
from tidemill.core.pages import page_request
from tidemill.http import get, post
from tidemill.http.parameters import Cursor, Limit
from tidemill.jobs.permissions import READ_JOBS, RUN_JOBS
from tidemill.jobs.records.trees.schemas import CancelledTree, TreeView
from tidemill.jobs.records.trees.service import TreeService


@get("/jobs/{job_id:str}/tree", READ_JOBS)
async def get_job_tree(
    job_id: str,
    actor: Actor,
    job_trees: TreeService,
    limit: Limit = None,
    cursor: Cursor = None,
) -> TreeView:
    """Read the tree in which a job hangs: what started it, and what was started from there."""
    page = page_request(limit, cursor, f"tree:{job_id}")
    return TreeView.of(*await job_trees.page(job_id, page, actor=actor))


@post("/jobs/{job_id:str}/tree/cancel", RUN_JOBS, status_code=200)
async def cancel_job_tree(job_id: str, actor: Actor, job_trees: TreeService) -> CancelledTree:
    """Cancel a job and everything that hangs below it."""
    return CancelledTree.of(*await job_trees.cancel(job_id, actor=actor))


ROUTES = (get_job_tree, cancel_job_tree)
