"""HTTP of attachments."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from litestar import Response
from litestar.connection import Request
from litestar.params import QueryParameter

from tidemill.board.attachments.models import SHOWN_INLINE, Attachment, Incoming, attachment_version
from tidemill.board.attachments.schemas import AttachmentPage, AttachmentView
from tidemill.board.attachments.service import AttachmentService
from tidemill.board.permissions import READ_ATTACHMENTS, WRITE_ATTACHMENTS
from tidemill.core.actor import Actor
from tidemill.core.pages import PageRequest
from tidemill.http import FOR_GUESTS, LaterIdempotency, Tagged, composed, delete, get, post
from tidemill.http.downloads import Download, FileDownload, download
from tidemill.http.uploads import UPLOAD, FileUpload, upload_of

Name = Annotated[
    str | None,
    QueryParameter(
        name="name",
        description="How the file is called; needed where the body is the file itself.",
        max_length=1024,
    ),
]


@post(
    "/work-items/{item_id:str}/attachments",
    WRITE_ATTACHMENTS,
    operation_class=FileUpload,
    opt={UPLOAD: True},
    request_max_body_size=None,
)
async def attach_file(
    *,
    item_id: str,
    request: Request[Any, Any, Any],
    actor: Actor,
    idempotency: LaterIdempotency,
    attachments: AttachmentService,
    name: Name = None,
) -> Tagged[AttachmentView]:
    """Attach a file to a work item: the body is the file, or a form that holds one."""
    attachments.check_size(request.content_length)
    await attachments.check_item(item_id, actor=actor)
    upload = await upload_of(request, name=name, bytes_max=attachments.bytes_max)
    made = await attachments.attach(
        item_id,
        Incoming(
            name=upload.name,
            media_type=upload.media_type,
            parts=upload.parts,
            name_param=upload.name_param,
            type_param=upload.type_param,
        ),
        actor=actor,
        once=partial(idempotency.once, Attachment),
    )
    return _answer(made, request)


@get("/work-items/{item_id:str}/attachments", READ_ATTACHMENTS, opt=FOR_GUESTS)
async def list_attachments(
    item_id: str, page: PageRequest, actor: Actor, attachments: AttachmentService
) -> AttachmentPage:
    """List the files of a work item, oldest first."""
    found = await attachments.list(item_id, page, actor=actor)
    return AttachmentPage(
        items=[AttachmentView.of(each) for each in found.items], next_cursor=found.next_cursor
    )


@get("/attachments/{attachment_id:str}", READ_ATTACHMENTS, opt=FOR_GUESTS)
async def get_attachment(
    attachment_id: str,
    actor: Actor,
    attachments: AttachmentService,
    request: Request[Any, Any, Any],
) -> Tagged[AttachmentView]:
    """Read what is known of a file, without its content."""
    return _answer(await attachments.get(attachment_id, actor=actor), request)


@get(
    "/attachments/{attachment_id:str}/content",
    READ_ATTACHMENTS,
    opt={"stream": True, **FOR_GUESTS},
    operation_class=FileDownload,
)
async def get_attachment_content(
    attachment_id: str,
    actor: Actor,
    attachments: AttachmentService,
    request: Request[Any, Any, Any],
) -> Response[bytes]:
    """Read a file, or one range of it."""
    found = await attachments.get(attachment_id, actor=actor)
    file = Download(
        name=found.name,
        media_type=found.media_type,
        size=found.size,
        digest=found.sha256,
        inline=found.media_type in SHOWN_INLINE,
        read=lambda start, length: attachments.content(
            found, start=start, length=length, actor=actor
        ),
    )
    return await download(file, request)


@delete("/attachments/{attachment_id:str}", WRITE_ATTACHMENTS)
async def delete_attachment(
    attachment_id: str,
    actor: Actor,
    expected_version: int | None,
    attachments: AttachmentService,
) -> None:
    """Take a file off its work item."""
    await attachments.delete(attachment_id, expected_version, actor=actor)


def _answer(attachment: Attachment, request: Request[Any, Any, Any]) -> Tagged[AttachmentView]:
    return composed(AttachmentView.of(attachment), version=attachment_version, request=request)


ROUTES = (
    attach_file,
    list_attachments,
    get_attachment,
    get_attachment_content,
    delete_attachment,
)
