"""What OpenAPI tells of headers: those that handlers ask for by name, and the ETag they give."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, cast, get_origin, get_type_hints

from litestar.enums import HttpMethod, ParamType
from litestar.openapi.spec import (
    OpenAPIHeader,
    OpenAPIResponse,
    OpenAPIType,
    Operation,
    Parameter,
    Responses,
    Schema,
)

from tidemill.http.bodies import Tagged
from tidemill.http.idempotency import key_length_max

_TAG_PATTERN: Final = r'"v[0-9]{1,18}(\.[0-9a-f]{16}(\.[0-9a-f]{1,16})?)?"'
_HEADERS: Final[Mapping[str, Parameter]] = MappingProxyType(
    {
        "idempotency": Parameter(
            name="Idempotency-Key",
            param_in=ParamType.HEADER,
            description="A text of your own. Sent again with it within a day, the same request "
            "happens once and has the same answer, but for secrets that were shown the first time.",
            required=False,
            schema=Schema(
                type=OpenAPIType.STRING,
                min_length=1,
                max_length=key_length_max,
                pattern="^[!-~]+$",
                examples=["4f6c1f0e-import-7"],
            ),
        ),
        "expected_version": Parameter(
            name="If-Match",
            param_in=ParamType.HEADER,
            description="The ETag that you read: nothing changes, and the answer is 412, when "
            "somebody else has changed it since. Of a list one has to be current, a weak one (W/) "
            "never is, and * means whatever is there.",
            required=False,
            schema=Schema(
                type=OpenAPIType.STRING,
                pattern=rf"^(\*|(W/)?{_TAG_PATTERN}( *, *(W/)?{_TAG_PATTERN}){{0,19}})$",
                examples=['"v3"'],
            ),
        ),
    }
)
"""By the names under which `injection` hands them out."""

_IF_NONE_MATCH: Final = Parameter(
    name="If-None-Match",
    param_in=ParamType.HEADER,
    description="The ETag that you have: the answer is 304, without a body, while it is the same.",
    required=False,
    schema=Schema(type=OpenAPIType.STRING, examples=['"v3"']),
)
_TAG: Final = Schema(type=OpenAPIType.STRING, pattern=f"^{_TAG_PATTERN}$", examples=['"v3"'])
_ETAG: Final = OpenAPIHeader(
    description="Which version this is; If-Match and If-None-Match repeat it.",
    required=True,
    schema=_TAG,
)
_CURRENT_ETAG: Final = OpenAPIHeader(
    description="The stored version, where it is not the expected one.", schema=_TAG
)
# The document's keys of statuses are texts.
_NOT_MODIFIED: Final = "304"
_WITH_ETAG: Final = ("200", "201", _NOT_MODIFIED)
_CHANGED_SINCE: Final = ("409", "412")


def operation_class_of(
    handler: Callable[..., Any], verb: HttpMethod, base: type[Operation] = Operation
) -> type[Operation]:
    """Return `base` with the headers that `handler` reads, and the ETag where it gives one."""

    def described(**fields: Any) -> Operation:
        operation = base(**fields)
        names = inspect.signature(handler).parameters
        headers = [header for name, header in _HEADERS.items() if name in names]
        responses = operation.responses or {}
        if "expected_version" in names:
            _add_etag(responses, _CHANGED_SINCE, _CURRENT_ETAG)
        if _gives_etag(handler):
            if verb is HttpMethod.GET:
                headers.append(_IF_NONE_MATCH)
                responses[_NOT_MODIFIED] = OpenAPIResponse(description="Nothing has changed since.")
            _add_etag(responses, _WITH_ETAG, _ETAG)
        if headers:
            operation.parameters = [*(operation.parameters or ()), *headers]
        return operation

    return cast("type[Operation]", described)


def _gives_etag(handler: Callable[..., Any]) -> bool:
    return get_origin(get_type_hints(handler).get("return")) is Tagged


def _add_etag(responses: Responses, statuses: Iterable[str], header: OpenAPIHeader) -> None:
    for status in statuses:
        response = responses.get(status)
        if isinstance(response, OpenAPIResponse):
            response.headers = {**(response.headers or {}), "ETag": header}
