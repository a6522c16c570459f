"""What OpenAPI tells of request headers, which handlers ask for by the name of a parameter."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, cast

from litestar.enums import ParamType
from litestar.openapi.spec import OpenAPIType, Operation, Parameter, Schema

from tidemill.http.idempotency import key_length_max

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
            "somebody else has changed it since.",
            required=False,
            schema=Schema(
                type=OpenAPIType.STRING,
                pattern=r'^(\*|(W/)?"v[0-9]{1,18}")$',
                examples=['"v3"'],
            ),
        ),
    }
)
"""By the names under which `injection` hands them out."""


def operation_class_of(
    handler: Callable[..., Any], base: type[Operation] = Operation
) -> type[Operation]:
    """Return `base` with the headers that `handler` reads."""
    names = inspect.signature(handler).parameters
    headers = [header for name, header in _HEADERS.items() if name in names]
    if not headers:
        return base

    def described(**fields: Any) -> Operation:
        operation = base(**fields)
        operation.parameters = [*(operation.parameters or ()), *headers]
        return operation

    return cast("type[Operation]", described)
