"""HTTP of imports."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Response
from litestar.connection import Request
from litestar.datastructures import UploadFile
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import QueryParameter

from tidemill.board.errors import ImportUnreadable
from tidemill.board.imports.models import (
    ImportMapping,
    ImportMode,
    ImportRejected,
    ImportReport,
    Reading,
    SourceFormat,
)
from tidemill.board.imports.schemas import FileUpload, RejectedImport, mapping_of
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


Format = Annotated[
    SourceFormat, QueryParameter(name="format", description="Which tool wrote the file.")
]
Source = Annotated[
    str | None,
    QueryParameter(
        name="source",
        pattern=r"^[a-z0-9][a-z0-9._-]{0,39}$",
        description="What stands before the ids of the file, so that those of two servers are "
        "never taken for one; the format, and nothing for CSV.",
    ),
]


@post(
    "/projects/{project_id:str}/imports",
    WRITE_WORK_ITEMS,
    operation_class=FileUpload,
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
    format_: Format = SourceFormat.CSV,
    source: Source = None,
) -> Response[ImportReport]:
    """Import a file of this or another tool; a dry run answers 200 and changes nothing."""
    content, mapping = await _sent(request)
    reading = Reading(format=format_, source=source, mapping=mapping)
    options = ImportOptions(dry_run=dry_run, mode=mode, reading=reading)
    try:
        report = await imports.import_file(
            project_id,
            content,
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


async def _sent(request: Request[Any, Any, Any]) -> tuple[bytes, ImportMapping]:
    kind = request.content_type[0]
    if kind != "multipart/form-data":
        return await request.body(), ImportMapping()
    form = await request.form()
    mapping = ImportMapping()
    if (said := form.get("mapping")) is not None:
        mapping = mapping_of(await said.read() if isinstance(said, UploadFile) else said)
    for name, value in form.items():
        if isinstance(value, UploadFile) and name != "mapping":
            return await value.read(), mapping
    raise ImportUnreadable("The form holds no file. Send one in the field `file`.", param="file")


ROUTES = (import_work_items,)
