"""The board as the runtime sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from tidemill.board.activity_feeds.routes import ROUTES as ACTIVITY_ROUTES
from tidemill.board.activity_feeds.service import ActivityFeedService
from tidemill.board.assistant_contexts.entries import Route
from tidemill.board.assistant_contexts.routes import ROUTES as CONTEXT_ROUTES
from tidemill.board.assistant_contexts.service import AssistantContextService
from tidemill.board.attachments.routes import ROUTES as ATTACHMENT_ROUTES
from tidemill.board.attachments.service import AttachmentService, Rules
from tidemill.board.blobs.service import BlobSweeper
from tidemill.board.board_settings.routes import ROUTES as BOARD_SETTINGS_ROUTES
from tidemill.board.board_settings.service import BoardSettingsService
from tidemill.board.boards.routes import ROUTES as BOARD_ROUTES
from tidemill.board.boards.service import BoardService
from tidemill.board.bulk_changes.routes import ROUTES as BULK_CHANGE_ROUTES
from tidemill.board.bulk_changes.service import BulkChangeService
from tidemill.board.comments.routes import ROUTES as COMMENT_ROUTES
from tidemill.board.comments.service import CommentService
from tidemill.board.contract import BOARD
from tidemill.board.critical_paths.routes import ROUTES as CRITICAL_PATH_ROUTES
from tidemill.board.critical_paths.service import CriticalPathService
from tidemill.board.custom_fields.routes import ROUTES as CUSTOM_FIELD_ROUTES
from tidemill.board.custom_fields.service import CustomFieldService
from tidemill.board.dependencies.routes import ROUTES as DEPENDENCY_ROUTES
from tidemill.board.dependencies.service import DependencyService
from tidemill.board.exports.routes import ROUTES as EXPORT_ROUTES
from tidemill.board.exports.service import ExportService
from tidemill.board.filter_contract import ITEM_FILTERS
from tidemill.board.guest_links.routes import ROUTES as GUEST_LINK_ROUTES
from tidemill.board.guest_links.service import GuestLinkUseCases, ownership_reaction
from tidemill.board.handles.service import handles_projection
from tidemill.board.imports.routes import ROUTES as IMPORT_ROUTES
from tidemill.board.imports.service import ImportService
from tidemill.board.item_filters.service import FiltersForOthers
from tidemill.board.item_making.routes import ROUTES as ITEM_MAKING_ROUTES
from tidemill.board.item_templates.routes import ROUTES as ITEM_TEMPLATE_ROUTES
from tidemill.board.item_templates.service import ItemTemplateService
from tidemill.board.job_links.service import BoardForOthers
from tidemill.board.job_times.routes import ROUTES as JOB_TIME_ROUTES
from tidemill.board.job_times.service import JobBooking, JobTimeService
from tidemill.board.kind_changes.routes import ROUTES as ITEM_KIND_ROUTES
from tidemill.board.kind_changes.service import ItemKindService
from tidemill.board.labels.routes import ROUTES as LABEL_ROUTES
from tidemill.board.labels.service import LabelService
from tidemill.board.limits import BoardLimits
from tidemill.board.listing.routes import ROUTES as LISTING_ROUTES
from tidemill.board.listing.service import ListingService
from tidemill.board.named_queries.routes import ROUTES as QUERY_ROUTES
from tidemill.board.named_queries.service import NamedQueryService
from tidemill.board.permissions import PERMISSIONS
from tidemill.board.project_access.live.service import LiveProjects
from tidemill.board.project_briefs.routes import ROUTES as BRIEF_ROUTES
from tidemill.board.project_briefs.service import ProjectBriefService
from tidemill.board.project_documents.service import ProjectDocumentService
from tidemill.board.project_imports.routes import ROUTES as PROJECT_IMPORT_ROUTES
from tidemill.board.project_imports.service import ProjectImportService
from tidemill.board.project_members.routes import ROUTES as PROJECT_MEMBER_ROUTES
from tidemill.board.project_members.service import ProjectMemberService, members_projection
from tidemill.board.project_reports.routes import ROUTES as REPORT_ROUTES
from tidemill.board.project_reports.service import ProjectReportService
from tidemill.board.projects.routes import ROUTES as PROJECT_ROUTES
from tidemill.board.projects.service import ProjectService
from tidemill.board.quick_add.routes import ROUTES as QUICK_ADD_ROUTES
from tidemill.board.quick_add.service import QuickAddService
from tidemill.board.search.routes import ROUTES as SEARCH_ROUTES
from tidemill.board.search.service import SearchService
from tidemill.board.sprints.routes import ROUTES as SPRINT_ROUTES
from tidemill.board.sprints.service import SprintService
from tidemill.board.time_contract import JOB_TIMES
from tidemill.board.time_entries.routes import ROUTES as TIME_ENTRY_ROUTES
from tidemill.board.time_entries.service import TimeEntryService
from tidemill.board.time_reports.routes import ROUTES as TIME_REPORT_ROUTES
from tidemill.board.time_reports.service import TimeReportService
from tidemill.board.timers.routes import ROUTES as TIMER_ROUTES
from tidemill.board.timers.service import TimerService
from tidemill.board.transfers.routes import ROUTES as TRANSFER_ROUTES
from tidemill.board.transfers.service import TransferService
from tidemill.board.views.routes import ROUTES as VIEW_ROUTES
from tidemill.board.views.service import ViewService
from tidemill.board.watchers.routes import ROUTES as WATCHER_ROUTES
from tidemill.board.watchers.service import WatcherService
from tidemill.board.work_items.reading.service import ItemReadingService
from tidemill.board.work_items.routes import ROUTES as WORK_ITEM_ROUTES
from tidemill.board.work_items.service import TypesFor, WorkItemService
from tidemill.board.work_items.sprinting.service import Sprinting
from tidemill.board.workflow_changes.routes import ROUTES as WORKFLOW_ROUTES
from tidemill.board.workflow_changes.service import WorkflowService
from tidemill.core.actor import Actor
from tidemill.core.blobs import BLOBS
from tidemill.core.config import Config
from tidemill.core.module import Module, Offer, Parts, Periodic
from tidemill.events import PROJECT_VISIBILITY
from tidemill.identity import GUEST_LINKS, IDENTITY
from tidemill.settings import SETTINGS

sweep_every_seconds: Final = 6 * 3600.0
ROUTES: Final = (
    *PROJECT_ROUTES,
    *PROJECT_MEMBER_ROUTES,
    *GUEST_LINK_ROUTES,
    *WORKFLOW_ROUTES,
    *ITEM_MAKING_ROUTES,
    *WORK_ITEM_ROUTES,
    *QUICK_ADD_ROUTES,
    *BULK_CHANGE_ROUTES,
    *LISTING_ROUTES,
    *ITEM_KIND_ROUTES,
    *ITEM_TEMPLATE_ROUTES,
    *BOARD_ROUTES,
    *BOARD_SETTINGS_ROUTES,
    *LABEL_ROUTES,
    *CUSTOM_FIELD_ROUTES,
    *WATCHER_ROUTES,
    *SPRINT_ROUTES,
    *REPORT_ROUTES,
    *BRIEF_ROUTES,
    *QUERY_ROUTES,
    *CONTEXT_ROUTES,
    *SEARCH_ROUTES,
    *VIEW_ROUTES,
    *COMMENT_ROUTES,
    *ATTACHMENT_ROUTES,
    *ACTIVITY_ROUTES,
    *DEPENDENCY_ROUTES,
    *TRANSFER_ROUTES,
    *CRITICAL_PATH_ROUTES,
    *IMPORT_ROUTES,
    *EXPORT_ROUTES,
    *PROJECT_IMPORT_ROUTES,
    *TIME_ENTRY_ROUTES,
    *TIMER_ROUTES,
    *TIME_REPORT_ROUTES,
    *JOB_TIME_ROUTES,
)


def build(parts: Parts) -> Offer:
    """Return what the board offers to a process."""
    limits = limits_of(parts.config)
    projects = ProjectService(parts.tenants, limits)
    settings = parts.get(SETTINGS)

    async def sprint_types(actor: Actor) -> Sequence[str]:
        return tuple(await settings.get_for("board.sprint_item_types", actor))

    async def parallel_sprints(actor: Actor) -> bool:
        return bool(await settings.get_for("board.parallel_sprints", actor))

    async def blocked_items_wait(actor: Actor) -> bool:
        return bool(await settings.get_for("board.blocked_items_wait", actor))

    work_items = WorkItemService(
        parts.tenants, limits, sprint_types=sprint_types, blocked_items_wait=blocked_items_wait
    )
    return Offer(
        routes=ROUTES,
        dependencies={
            "projects": projects,
            **_those_who_come(parts),
            "workflows": WorkflowService(parts.tenants),
            **_writers_of_items(parts, limits, work_items, sprint_types),
            "item_readings": ItemReadingService(parts.tenants, limits),
            "listing": ListingService(parts.tenants, limits),
            "boards": BoardService(parts.tenants, limits),
            "board_settings": BoardSettingsService(parts.tenants),
            **_shapes_of_items(parts, limits, sprint_types),
            "labels": LabelService(parts.tenants, limits),
            "custom_fields": CustomFieldService(parts.tenants, limits),
            "watchers": WatcherService(parts.tenants),
            "sprints": SprintService(parts.tenants, limits, Sprinting(), parallel=parallel_sprints),
            "project_reports": ProjectReportService(parts.tenants),
            "project_briefs": ProjectBriefService(parts.tenants),
            "named_queries": NamedQueryService(parts.tenants),
            "assistant_contexts": AssistantContextService(parts.tenants, told_routes()),
            "searches": SearchService(parts.tenants, limits),
            "views": ViewService(parts.tenants, limits),
            "comments": CommentService(parts.tenants, limits),
            **_files(parts, limits),
            "dependencies": DependencyService(parts.tenants, limits),
            "activity_feeds": ActivityFeedService(parts.tenants),
            "critical_paths": CriticalPathService(parts.tenants, limits),
            "imports": ImportService(parts.tenants, limits),
            "exports": ExportService(parts.tenants, limits),
            **_times(parts, limits),
        },
        provides={
            BOARD: BoardForOthers(parts.tenants, limits),
            JOB_TIMES: JobBooking(),
            ITEM_FILTERS: FiltersForOthers(limits),
            PROJECT_VISIBILITY: LiveProjects(parts.tenants),
        },
        projections=(handles_projection(), members_projection()),
        reactions=(ownership_reaction(parts.tenants, parts.late(GUEST_LINKS)),),
        periodic=(_sweeping(parts),),
        permissions=PERMISSIONS,
    )


def _those_who_come(parts: Parts) -> dict[str, object]:
    return {
        "project_members": ProjectMemberService(parts.tenants),
        "guest_links": GuestLinkUseCases(parts.tenants, parts.late(GUEST_LINKS)),
    }


def _shapes_of_items(
    parts: Parts, limits: BoardLimits, sprint_types: TypesFor
) -> dict[str, object]:
    return {
        "item_kinds": ItemKindService(parts.tenants, sprint_types=sprint_types),
        "item_templates": ItemTemplateService(parts.tenants, limits, sprint_types=sprint_types),
    }


def _writers_of_items(
    parts: Parts, limits: BoardLimits, work_items: WorkItemService, sprint_types: TypesFor
) -> dict[str, object]:
    return {
        "work_items": work_items,
        "quick_adds": QuickAddService(
            parts.tenants, limits, parts.late(IDENTITY), sprint_types=sprint_types
        ),
        "bulk_changes": BulkChangeService(parts.tenants, limits, work_items.rules),
        "transfers": TransferService(parts.tenants, limits),
    }


def _times(parts: Parts, limits: BoardLimits) -> dict[str, object]:
    return {
        "time_entries": TimeEntryService(parts.tenants, limits),
        "timers": TimerService(parts.tenants, limits),
        "time_reports": TimeReportService(parts.tenants, parts.clock),
        "job_times": JobTimeService(parts.tenants),
    }


def _files(parts: Parts, limits: BoardLimits) -> dict[str, object]:
    settings, identity = parts.get(SETTINGS), parts.late(IDENTITY)

    async def rules(actor: Actor) -> Rules:
        return Rules(
            types=tuple(await settings.get_for("board.attachment_types", actor)),
            bytes_per_tenant_max=int(
                await settings.get_for("limits.attachment_bytes_per_tenant_max", actor)
            ),
        )

    async def addresses(user_ids: Sequence[str], actor: Actor) -> Mapping[str, str]:
        known = identity()
        return {} if known is None else await known.addresses(user_ids, by=actor)

    tenants, store = parts.tenants, parts.get(BLOBS)
    return {
        "attachments": AttachmentService(tenants, store, limits, rules=rules),
        "project_documents": ProjectDocumentService(tenants, store, limits, addresses=addresses),
        "project_imports": ProjectImportService(
            tenants, store, limits, rules=rules, identity=identity
        ),
    }


def _sweeping(parts: Parts) -> Periodic:
    sweeper = BlobSweeper(parts.tenants, parts.get(BLOBS), parts.clock)
    return Periodic(name="board.blobs", every_seconds=sweep_every_seconds, run=sweeper.sweep)


def told_routes() -> list[Route]:
    """Return method, path and what it does of each route, as people read them."""
    return [
        (method, path.replace(":str", ""), (handler.fn.__doc__ or "").strip())
        for handler in ROUTES
        for method in sorted(handler.http_methods)
        for path in sorted(handler.paths)
    ]


def limits_of(config: Config) -> BoardLimits:
    """Return the limits that `config` sets."""
    return BoardLimits(
        title_chars_max=config.limits.title_chars_max,
        description_chars_max=config.limits.description_chars_max,
        comment_chars_max=config.limits.comment_chars_max,
        import_rows_max=config.limits.import_rows_max,
        import_bytes_max=config.limits.body_bytes_max,
        attachment_bytes_max=config.limits.attachment_bytes_max,
        project_archive_bytes_max=config.limits.project_archive_bytes_max,
    )


MODULE: Final = Module(name="board", build=build, requires=(SETTINGS, BLOBS))
