"""The board as the runtime sees it."""

from __future__ import annotations

from typing import Final

from tidemill.board.contract import BOARD
from tidemill.board.imports.routes import ROUTES as IMPORT_ROUTES
from tidemill.board.imports.service import ImportService
from tidemill.board.job_links.service import BoardForOthers
from tidemill.board.limits import BoardLimits
from tidemill.board.permissions import PERMISSIONS
from tidemill.board.projects.routes import ROUTES as PROJECT_ROUTES
from tidemill.board.projects.service import ProjectService
from tidemill.board.work_items.routes import ROUTES as WORK_ITEM_ROUTES
from tidemill.board.work_items.service import WorkItemService
from tidemill.core.config import Config
from tidemill.core.module import Module, Offer, Parts


def build(parts: Parts) -> Offer:
    """Return what the board offers to a process."""
    limits = limits_of(parts.config)
    projects = ProjectService(parts.tenants, limits)
    work_items = WorkItemService(parts.tenants, limits)
    return Offer(
        routes=(*PROJECT_ROUTES, *WORK_ITEM_ROUTES, *IMPORT_ROUTES),
        dependencies={
            "projects": projects,
            "work_items": work_items,
            "imports": ImportService(parts.tenants, limits),
        },
        provides={BOARD: BoardForOthers(parts.tenants, limits)},
        permissions=PERMISSIONS,
    )


def limits_of(config: Config) -> BoardLimits:
    """Return the limits that `config` sets."""
    return BoardLimits(
        title_chars_max=config.limits.title_chars_max,
        description_chars_max=config.limits.description_chars_max,
        import_rows_max=config.limits.import_rows_max,
        import_bytes_max=config.limits.body_bytes_max,
    )


MODULE: Final = Module(name="board", build=build)
