"""A file as an answer: whole or a range of it, under its name, and never run by a browser."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

from litestar import Response
from litestar.connection import Request
from litestar.enums import ParamType
from litestar.openapi.spec import (
    OpenAPIFormat,
    OpenAPIHeader,
    OpenAPIMediaType,
    OpenAPIResponse,
    OpenAPIType,
    Operation,
    Parameter,
    Reference,
    Schema,
)
from litestar.response import Stream
from msgspec import Struct

from tidemill.core.errors import InvalidInput
from tidemill.http.bodies import is_known

_RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_PLAIN: Final = re.compile(r"[^ !#-\[\]-~]")
# The page of the answer is a place of its own, in which nothing runs and nothing is loaded.
_SANDBOX: Final = "sandbox; default-src 'none'"


_HEADERS: Final = tuple(
    Parameter(
        name=name,
        param_in=ParamType.HEADER,
        description=description,
        required=False,
        schema=Schema(type=OpenAPIType.STRING, examples=[example]),
    )
    for name, description, example in (
        ("Range", "One range of bytes; of several, the whole file is given.", "bytes=0-1023"),
        (
            "If-Range",
            "The ETag of which the range shall be; of another, all is given.",
            '"98ea6e4f"',
        ),
        (
            "If-None-Match",
            "The ETag that you have: the answer is 304 while it is so.",
            '"98ea6e4f"',
        ),
    )
)


class RangeNotSatisfiable(InvalidInput):
    """The range begins behind the end of the file."""

    code = "RANGE_NOT_SATISFIABLE"
    status = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE.value

    def __init__(self, size: int) -> None:
        super().__init__(
            f"The file has {size} bytes, and the range begins behind them.",
            param="Range",
            headers={"Content-Range": f"bytes */{size}"},
        )


class Download(Struct, frozen=True, kw_only=True):
    """A file to answer with; `inline` lets a browser show it in place instead of saving it."""

    name: str
    media_type: str
    size: int
    digest: str
    inline: bool
    read: Callable[[int, int], Awaitable[AsyncIterator[bytes]]]
    """Returns the bytes from a start on, of a length of at least one."""


async def download(file: Download, request: Request[Any, Any, Any]) -> Response[Any]:
    """Answer with `file`: 200, 206 for one range, or 304 when the caller has it already.

    Raises `RangeNotSatisfiable`, and what `file.read` raises.
    """
    tag = f'"{file.digest}"'
    headers = {
        "ETag": tag,
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "Content-Disposition": content_disposition(file.name, inline=file.inline),
        "Content-Security-Policy": _SANDBOX,
        "Cross-Origin-Resource-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }
    if is_known(tag, request.headers.get("if-none-match")):
        return Response(None, status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    wanted = None
    if request.headers.get("if-range", tag) == tag:
        wanted = range_of(request.headers.get("range"), file.size)
    start, end = wanted or (0, file.size)
    headers["Content-Length"] = str(end - start)
    if wanted is not None:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{file.size}"
    answer: Any = Stream(
        await file.read(start, end - start),
        status_code=HTTPStatus.OK if wanted is None else HTTPStatus.PARTIAL_CONTENT,
        media_type=file.media_type,
        headers=headers,
    )
    return answer  # type: ignore[no-any-return]


@dataclass
class FileDownload(Operation):
    """Describes the answer: a file of any type, a range of it, or nothing for who has it."""

    def __post_init__(self) -> None:
        """Add what the handler's types cannot tell."""
        file = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY)
        tag = OpenAPIHeader(
            description="The digest of the file.",
            required=True,
            schema=Schema(type=OpenAPIType.STRING, pattern='^"[0-9a-f]{64}"$'),
        )
        content = {"*/*": OpenAPIMediaType(schema=file)}
        told: dict[str, OpenAPIResponse | Reference] = {
            str(int(status)): OpenAPIResponse(
                description=description, content=body, headers={"ETag": tag}
            )
            for status, description, body in (
                (HTTPStatus.OK, "The file; all but pictures is to be saved.", content),
                (HTTPStatus.PARTIAL_CONTENT, "The range that was asked for.", content),
                (HTTPStatus.NOT_MODIFIED, "The caller has it already.", None),
            )
        }
        given = dict(self.responses or {})
        # The same body as that of any other mistake of the caller.
        behind = given.get(str(int(HTTPStatus.BAD_REQUEST)))
        if isinstance(behind, OpenAPIResponse):
            told[str(RangeNotSatisfiable.status)] = OpenAPIResponse(
                description="The range begins behind the end.", content=behind.content
            )
        self.responses = {**given, **told}
        self.parameters = [*(self.parameters or ()), *_HEADERS]


def range_of(header: str | None, size: int) -> tuple[int, int] | None:
    """Return start and end of the one range that `header` asks for, or None for the whole.

    What is no range, or is several, is passed over, as HTTP allows. Raises `RangeNotSatisfiable`.
    """
    match = _RANGE.fullmatch(header.replace(" ", "")) if header else None
    if match is None or not (match[1] or match[2]):
        return None
    if not match[1]:
        length = min(int(match[2]), size)
        if not length:
            raise RangeNotSatisfiable(size)
        return size - length, size
    start = int(match[1])
    end = min(int(match[2]) + 1, size) if match[2] else size
    if match[2] and int(match[2]) < start:
        return None
    if start >= size:
        raise RangeNotSatisfiable(size)
    return start, end


def content_disposition(name: str, *, inline: bool) -> str:
    """Return the header of RFC 6266: the name in ASCII for all, and whole for who reads it."""
    kind = "inline" if inline else "attachment"
    plain = _PLAIN.sub("_", name)
    whole = "" if plain == name else f"; filename*=UTF-8''{quote(name, safe='')}"
    return f'{kind}; filename="{plain}"{whole}'
