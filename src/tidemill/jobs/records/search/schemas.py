"""Bodies of searches."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta

from tidemill.core.clock import from_datetime
from tidemill.http import Body
from tidemill.jobs.contract import JobState
from tidemill.jobs.records.search.models import JobFilter

Text = Annotated[str, Meta(min_length=1, max_length=200)]
Moment = Annotated[datetime, Meta(tz=True)]


class JobFilterBody(Body, frozen=True, kw_only=True):
    """Which jobs are meant; what is left out does not matter.

    `path` is that of a script or the name of a function, `*` at its end stands for anything.
    """

    state: JobState | None = None
    tag: Text | None = None
    path: Text | None = None
    label: Text | None = None
    actor: Text | None = None
    work_item_id: Text | None = None
    parent_id: Text | None = None
    root_id: Text | None = None
    since: Moment | None = None
    until: Moment | None = None

    def wanted(self) -> JobFilter:
        """Return the filter in the words of the queue."""
        return JobFilter(
            state=self.state,
            tag=self.tag,
            path=self.path,
            label=self.label,
            actor_id=self.actor,
            work_item_id=self.work_item_id,
            parent_id=self.parent_id,
            root_id=self.root_id,
            since=None if self.since is None else from_datetime(self.since),
            until=None if self.until is None else from_datetime(self.until),
        )
