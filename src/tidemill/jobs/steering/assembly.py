"""Puts together what people use to see and steer many jobs."""

from __future__ import annotations

from typing import Final

from tidemill.core.module import Parts
from tidemill.core.operators import OPERATORS
from tidemill.jobs.contract import WORK_ITEM_LINKS
from tidemill.jobs.folders.service import FolderService
from tidemill.jobs.queueing.queue.item_links import ItemLinks
from tidemill.jobs.queueing.queue.service import JobService
from tidemill.jobs.queueing.queue.signals import Signals
from tidemill.jobs.queueing.strategies.service import Door
from tidemill.jobs.records.retention.routes import ROUTES as RETENTION_ROUTES
from tidemill.jobs.records.retention.service import RetentionService
from tidemill.jobs.records.search.routes import ROUTES as SEARCH_ROUTES
from tidemill.jobs.records.search.service import SearchService
from tidemill.jobs.records.trees.routes import ROUTES as TREE_ROUTES
from tidemill.jobs.records.trees.service import TreeService
from tidemill.jobs.steering.batches.routes import ROUTES as BATCH_ROUTES
from tidemill.jobs.steering.batches.service import BatchService
from tidemill.jobs.steering.bulk.routes import ROUTES as BULK_ROUTES
from tidemill.jobs.steering.bulk.service import BulkService
from tidemill.jobs.steering.control.routes import ROUTES as CONTROL_ROUTES
from tidemill.jobs.steering.control.service import ControlService
from tidemill.jobs.steering.drains.routes import ROUTES as DRAIN_ROUTES
from tidemill.jobs.steering.drains.service import DrainService
from tidemill.jobs.steering.tags.routes import ROUTES as TAG_ROUTES
from tidemill.jobs.steering.tags.service import TagService
from tidemill.jobs.steering.transfers.routes import ROUTES as TRANSFER_ROUTES
from tidemill.jobs.steering.transfers.service import TransferService

ROUTES: Final = (
    *SEARCH_ROUTES,
    *BATCH_ROUTES,
    *BULK_ROUTES,
    *CONTROL_ROUTES,
    *DRAIN_ROUTES,
    *TAG_ROUTES,
    *RETENTION_ROUTES,
    *TREE_ROUTES,
    *TRANSFER_ROUTES,
)


class Control:
    """The services of control, for the module of jobs."""

    def __init__(
        self,
        parts: Parts,
        queue: JobService,
        signals: Signals,
        folders: FolderService,
        *,
        door: Door,
    ) -> None:
        items = ItemLinks(parts.late(WORK_ITEM_LINKS))
        control = ControlService(parts.jobs, queue, signals, items)
        operators = parts.get(OPERATORS)
        self.dependencies: dict[str, object] = {
            "tags": TagService(parts.jobs, parts.clock, operators, signals, door=door),
            "worker_drains": DrainService(parts.jobs, operators),
            "job_search": SearchService(parts.jobs, folders),
            "job_control": control,
            "item_links": items,
            "job_batches": BatchService(parts.jobs, queue),
            "job_transfers": TransferService(parts.jobs, queue, items),
            "job_retention": RetentionService(
                parts.jobs, history_days=parts.config.jobs.history_days
            ),
            "job_trees": TreeService(parts.jobs, queue),
            "job_bulk": BulkService(parts.jobs, queue, control),
        }
