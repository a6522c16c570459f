"""HTTP of exports."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Final

from litestar.params import QueryParameter
from litestar.response import Stream

from tidemill.board.export_errors import DocumentIsWhole
from tidemill.board.exports.calendar import END, beginning, events
from tidemill.board.exports.models import ExportFormat, columns, item_row
from tidemill.board.exports.schemas import ARCHIVE, CALENDAR, CSV, DOCUMENT, ExportDownload
from tidemill.board.exports.service import ExportService
from tidemill.board.filters.parsing import parse
from tidemill.board.permissions import READ_WORK_ITEMS
from tidemill.board.project_documents.service import ProjectDocumentService
from tidemill.board.projects.models import Project
from tidemill.board.projects.service import ProjectService
from tidemill.board.time_entries.csv import csv_lines
from tidemill.board.work_items.models import WorkItem
from tidemill.core.actor import Actor
from tidemill.http import get

Format = Annotated[
    ExportFormat,
    QueryParameter(
        name="format",
        description="A table of all items, the due days as a calendar, or all that the project "
        "holds: as one JSON document, or with its files as an archive.",
    ),
]
FilterText = Annotated[
    str | None,
    QueryParameter(name="filter", description="Only what fulfils this, such as `is:open`."),
]
Pages = AsyncIterator[Sequence[WorkItem]]


@get(
    "/projects/{project_id:str}/export",
    READ_WORK_ITEMS,
    opt={"stream": True},
    operation_class=ExportDownload,
)
async def export_project(  # noqa: PLR0913 - each parameter is injected by its name
    *,
    project_id: str,
    actor: Actor,
    projects: ProjectService,
    exports: ExportService,
    project_documents: ProjectDocumentService,
    format_: Format = ExportFormat.CSV,
    filter_: FilterText = None,
) -> Stream:
    """Export items as a table, due days as a calendar, or a whole project."""
    project = await projects.get(project_id, actor=actor)
    name = f'attachment; filename="{project.key}.{format_}"'
    headers = {"Content-Disposition": name}
    if format_ in {ExportFormat.JSON, ExportFormat.ZIP}:
        if filter_ is not None:
            raise DocumentIsWhole
        if format_ is ExportFormat.ZIP:
            archive = project_documents.archive(project, actor=actor)
            return Stream(archive, media_type=ARCHIVE, headers=headers)
        document = project_documents.parts(project, actor=actor)
        return Stream(document, media_type=DOCUMENT, headers=headers)
    pages = exports.items(project, parse(filter_ or ""), actor=actor)
    # A filter that names what is not there is told before the answer begins.
    first = await anext(pages)
    whole = _table(first, pages, await exports.custom_keys(project, actor=actor))
    media_type = CSV
    if format_ is ExportFormat.ICS:
        whole, media_type = _calendar(project, first, pages), CALENDAR
    return Stream(whole, media_type=media_type, headers=headers)


async def _table(
    first: Sequence[WorkItem], pages: Pages, custom_keys: Sequence[str]
) -> AsyncIterator[bytes]:
    yield csv_lines([columns(custom_keys), *(item_row(item, custom_keys) for item in first)])
    async for items in pages:
        yield csv_lines(item_row(item, custom_keys) for item in items)


async def _calendar(
    project: Project, first: Sequence[WorkItem], pages: Pages
) -> AsyncIterator[bytes]:
    yield beginning(project.name) + events(first)
    async for items in pages:
        yield events(items)
    yield END


ROUTES: Final = (export_project,)
