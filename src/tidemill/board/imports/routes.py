"""HTTP of imports."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Response
from litestar.connection import Request
from litestar.datastructures import UploadFile
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import QueryParameter

from tidemill.board.errors import ImportUnreadable
from tidemill.board.imports.models import ImportMode, ImportRejected, ImportReport
from tidemill.board.imports.schemas import CsvUpload, RejectedImport
from tidemill.board.imports.service import ImportOptions, ImportService
from tidemill.board.permissions import WRITE_WORK_ITEMS
from tidemill.core.actor import Actor
from tidemill.http import Idempotency, post
from tidemill.http.bodies import ErrorDetail

DryRun = Annotated[
    bool, QueryParameter(name="dry_run", description="Report what would happen and import nothing.")
]
Mode = Annotated[
    ImportMode,
    QueryParameter(name="mode", description="Whether wrong rows stop the import of the others."),
]


@post(
    "/projects/{project_id:str}/imports",
    WRITE_WORK_ITEMS,
    operation_class=CsvUpload,
    errors=(400, 401, 403, 404, 408, 409, 413, 429, 503),
    responses={
        200: ResponseSpec(
            ImportReport, description="What a dry run found.", generate_examples=False
        ),
        422: ResponseSpec(
            RejectedImport,
            description="Refused; where rows are wrong all are listed.",
            generate_examples=False,
        ),
    },
)
async def import_work_items(  # noqa: PLR0913 - each parameter is injected by its name
    *,
    project_id: str,
    request: Request[Any, Any, Any],
    actor: Actor,
    idempotency: Idempotency,
    imports: ImportService,
    dry_run: DryRun = False,
    mode: Mode = ImportMode.ALL_OR_NOTHING,
) -> Response[ImportReport]:
    """Import a CSV backlog as work items; a dry run answers 200 and changes nothing."""
    options = ImportOptions(dry_run=dry_run, mode=mode)
    try:
        report = await imports.import_csv(
            project_id,
            await _file(request),
            options,
            actor=actor,
            once=idempotency.once(ImportReport),
        )
    except ImportRejected as error:
        return _rejected(error)
    return Response(report, status_code=200 if dry_run else 201)


def _rejected(error: ImportRejected) -> Response[Any]:
    detail = ErrorDetail(message=error.message, type=error.type, code=error.code)
    return Response(RejectedImport(error=detail, report=error.report), status_code=error.status)


async def _file(request: Request[Any, Any, Any]) -> bytes:
    kind = request.content_type[0]
    if kind != "multipart/form-data":
        return await request.body()
    form = await request.form()
    for value in form.values():
        if isinstance(value, UploadFile):
            return await value.read()
    raise ImportUnreadable("The form holds no file. Send one in the field `file`.", param="file")


ROUTES = (import_work_items,)
