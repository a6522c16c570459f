"""A file that comes as the body of a request, or in a form, part by part.

Nothing of it is kept here: whoever takes it reads on as fast as it can write.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final

from litestar.connection import Request
from litestar.exceptions import InternalServerException
from litestar.openapi.spec import (
    OpenAPIFormat,
    OpenAPIMediaType,
    OpenAPIType,
    Operation,
    RequestBody,
    Schema,
)
from msgspec import Struct
from multipart import MultipartError, MultipartSegment, PushMultipartParser

from tidemill.core.errors import InvalidInput
from tidemill.http.errors import BodyTooLarge

UPLOAD: Final = "upload"
"""The key of `opt` by which a route says that its body may be larger than others."""
form_bytes_max: Final = 1024 * 1024
"""How much a form may hold beside its file."""
_FORM: Final = "multipart/form-data"
_fields_max: Final = 8
_field_bytes_max: Final = 4096
# What clients say that do not know, or of whatever they send.
_UNSAID: Final = frozenset(
    {"", "application/octet-stream", "binary/octet-stream", "application/x-www-form-urlencoded"}
)


class FileMissing(InvalidInput):
    """There is no file in the request, or no name for it."""

    code = "FILE_MISSING"


class FormMalformed(InvalidInput):
    """The body is no form of the kind that its Content-Type says."""

    code = "FORM_MALFORMED"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The form cannot be read: {reason}.", param="file")


class UploadBrokeOff(InvalidInput):
    """The sender went before all of the file had come."""

    code = "UPLOAD_BROKE_OFF"

    def __init__(self) -> None:
        super().__init__("The file broke off. Send it again.", param="file")


class Upload(Struct, frozen=True, kw_only=True):
    """A file, what its sender calls it, and what it says that it is, if anything.

    `name_param` and `type_param` are where the sender said so.
    """

    name: str
    media_type: str | None
    parts: AsyncGenerator[bytes, None]
    name_param: str
    type_param: str


async def upload_of(request: Request[Any, Any, Any], *, name: str | None, bytes_max: int) -> Upload:
    """Return the file that `request` brings: in a form, or as its body, named by the query.

    Raises `FileMissing`, `FormMalformed`, and `BodyTooLarge` for a body that goes on and on behind
    a file of `bytes_max`; so may the parts, whose end checks that of the form.
    """
    body = _bounded(request, bytes_max + form_bytes_max)
    kind, options = request.content_type
    if kind != _FORM:
        if not name:
            raise FileMissing("Say how the file is called: ?name=photo.png.", param="name")
        return Upload(
            name=name,
            media_type=_said(kind),
            parts=body,
            name_param="name",
            type_param="Content-Type",
        )
    form = _Form(body, options.get("boundary", ""))
    segment = await form.file()
    return Upload(
        name=name or segment.filename or "",
        media_type=_said(segment.content_type),
        parts=form.parts(),
        name_param="name" if name else "file",
        type_param="file",
    )


class _Form:
    """Reads the one file of a form; small fields around it are passed over."""

    def __init__(self, body: AsyncGenerator[bytes, None], boundary: str) -> None:
        self._body = body
        self._events = self._read(boundary)

    async def file(self) -> MultipartSegment:
        """Read up to the file."""
        skipped = 0
        async for event in self._events:
            if isinstance(event, MultipartSegment) and event.filename is not None:
                return event
            skipped += len(event) if isinstance(event, bytes | bytearray) else 0
            if skipped > _field_bytes_max:
                raise FormMalformed("a field before the file is too long")
        raise FileMissing("The form holds no file. Send one in the field `file`.", param="file")

    async def parts(self) -> AsyncGenerator[bytes, None]:
        """Yield the file, and read the form to its end."""
        is_over = False
        async with aclosing(self._events) as events:
            async for event in events:
                if event is None:
                    is_over = True
                elif isinstance(event, MultipartSegment):
                    if event.filename is not None:
                        raise FormMalformed("it holds a second file; send each by itself")
                elif not is_over:
                    yield bytes(event)

    async def _read(
        self, boundary: str
    ) -> AsyncGenerator[MultipartSegment | bytes | bytearray | None, None]:
        try:
            with PushMultipartParser(boundary, max_segment_count=_fields_max) as parser:
                async with aclosing(self._body) as chunks:
                    async for chunk in chunks:
                        for event in parser.parse(chunk) if chunk else ():
                            yield event
        except MultipartError as error:
            raise FormMalformed(str(error).rstrip(".").lower() or "it breaks off") from error


async def _bounded(request: Request[Any, Any, Any], bytes_max: int) -> AsyncGenerator[bytes, None]:
    length = 0
    try:
        async with aclosing(request.stream()) as chunks:
            async for chunk in chunks:
                length += len(chunk)
                if length > bytes_max:
                    raise BodyTooLarge(bytes_max)
                yield chunk
    except InternalServerException:
        raise UploadBrokeOff from None


def _said(kind: str | None) -> str | None:
    """Return the type that a sender names, in lower case, without what it says by default."""
    lowered = (kind or "").strip().lower()
    return None if lowered in _UNSAID else lowered


@dataclass
class FileUpload(Operation):
    """Describes the body, which is read as it comes: a file, or a form that holds one."""

    def __post_init__(self) -> None:
        """Add the body to the operation."""
        file = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY)
        form = Schema(type=OpenAPIType.OBJECT, properties={"file": file}, required=["file"])
        self.request_body = RequestBody(
            required=True,
            description="The file, in a form or as it is; then `name` says how it is called.",
            content={
                "multipart/form-data": OpenAPIMediaType(schema=form),
                "application/octet-stream": OpenAPIMediaType(schema=file),
            },
        )
