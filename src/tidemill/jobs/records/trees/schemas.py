"""Bodies of trees of jobs."""

from __future__ import annotations

from typing import Self

from tidemill.http import PageView, View
from tidemill.jobs.queueing.queue.models import Job
from tidemill.jobs.queueing.queue.schemas import JobView
from tidemill.jobs.records.trees.models import Tree


class TreeView(PageView, frozen=True, kw_only=True):
    """A part of a tree: `root`, and jobs below it in the order in which they were made.

    Each says in `parent_id` where it hangs. `states` counts the jobs below the root
    that you may see; later parts leave it null.
    """

    root: JobView | None
    items: list[JobView]
    states: dict[str, int] | None

    @classmethod
    def of(cls, tree: Tree, next_cursor: str | None) -> Self:
        """Return the view of `tree`."""
        return cls(
            root=None if tree.root is None else JobView.of(tree.root),
            items=[JobView.listed(job) for job in tree.jobs],
            states=tree.states,
            next_cursor=next_cursor,
        )


class CancelledTree(View, frozen=True, kw_only=True):
    """The job that was cancelled, and how many below it were too."""

    job: JobView
    below: int

    @classmethod
    def of(cls, job: Job, below: int) -> Self:
        """Return the view of `job`."""
        return cls(job=JobView.of(job), below=below)
