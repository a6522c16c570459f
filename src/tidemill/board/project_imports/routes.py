"""HTTP of imports of whole projects."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Final

from litestar import Response
from litestar.connection import Request
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import QueryParameter

from tidemill.board.permissions import IMPORT_PROJECTS
from tidemill.board.project_imports.models import (
    ProjectImportOptions,
    ProjectImportRejected,
    ProjectImportReport,
    ProjectImportStatus,
)
from tidemill.board.project_imports.schemas import RejectedProjectImport
from tidemill.board.project_imports.service import ProjectImportService
from tidemill.core.actor import Actor
from tidemill.http import LaterIdempotency, post
from tidemill.http.bodies import ErrorDetail
from tidemill.http.uploads import UPLOAD, FileUpload, upload_of

DryRun = Annotated[
    bool, QueryParameter(name="dry_run", description="Report what would happen and import nothing.")
]
Key = Annotated[
    str | None,
    QueryParameter(
        name="key",
        pattern=r"^[A-Z][A-Z0-9]{0,9}$",
        description="The key of the new project; without it, that of the document.",
    ),
]
_name: Final = "project"


@post(
    "/project-imports",
    IMPORT_PROJECTS,
    operation_class=FileUpload,
    opt={UPLOAD: True},
    request_max_body_size=None,
    errors=(400, 401, 403, 404, 408, 409, 413, 429, 503),
    responses={
        200: ResponseSpec(
            ProjectImportReport,
            description="What a dry run found, or that the document was imported before.",
            generate_examples=False,
        ),
        422: ResponseSpec(
            RejectedProjectImport,
            description="Refused; where parts are wrong they are listed.",
            generate_examples=False,
        ),
    },
)
async def import_project(
    *,
    request: Request[Any, Any, Any],
    actor: Actor,
    idempotency: LaterIdempotency,
    project_imports: ProjectImportService,
    dry_run: DryRun = False,
    key: Key = None,
) -> Response[ProjectImportReport]:
    """Make a project of its document, or of an archive with its files, whole as it was."""
    project_imports.check_size(request.content_length)
    upload = await upload_of(request, name=_name, bytes_max=project_imports.bytes_max)
    try:
        report = await project_imports.import_project(
            upload.parts,
            ProjectImportOptions(key=key, dry_run=dry_run),
            actor=actor,
            once=partial(idempotency.once, ProjectImportReport),
        )
    except ProjectImportRejected as error:
        return _rejected(error)
    is_new = report.status is ProjectImportStatus.IMPORTED
    return Response(report, status_code=201 if is_new else 200)


def _rejected(error: ProjectImportRejected) -> Response[Any]:
    detail = ErrorDetail(message=error.message, type=error.type, code=error.code)
    body = RejectedProjectImport(error=detail, report=error.report)
    return Response(body, status_code=error.status)


ROUTES: Final = (import_project,)
