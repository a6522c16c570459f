"""HTTP of trees of jobs."""

from __future__ import annotations

from msgspec import structs

from tidemill.core.actor import Actor
from tidemill.core.pages import page_request
from tidemill.http import get, post
from tidemill.http.parameters import Cursor, Limit
from tidemill.jobs.permissions import READ_JOBS, RUN_JOBS
from tidemill.jobs.queueing.queue.item_links import ItemLinks
from tidemill.jobs.records.trees.schemas import CancelledTree, TreeView
from tidemill.jobs.records.trees.service import TreeService


@get("/jobs/{job_id:str}/tree", READ_JOBS)
async def get_job_tree(
    job_id: str,
    actor: Actor,
    job_trees: TreeService,
    item_links: ItemLinks,
    limit: Limit = None,
    cursor: Cursor = None,
) -> TreeView:
    """Read the tree in which a job hangs: what started it, and what was started from there."""
    page = page_request(limit, cursor, f"tree:{job_id}")
    tree, next_cursor = await job_trees.page(job_id, page, actor=actor)
    shown = structs.replace(
        tree,
        root=None if tree.root is None else await item_links.shown(tree.root, actor),
        jobs=await item_links.all_shown(tree.jobs, actor),
    )
    return TreeView.of(shown, next_cursor)


@post("/jobs/{job_id:str}/tree/cancel", RUN_JOBS, status_code=200)
async def cancel_job_tree(
    job_id: str, actor: Actor, job_trees: TreeService, item_links: ItemLinks
) -> CancelledTree:
    """Cancel a job and everything that hangs below it."""
    job, below = await job_trees.cancel(job_id, actor=actor)
    return CancelledTree.of(await item_links.shown(job, actor), below)


ROUTES = (get_job_tree, cancel_job_tree)
