"""The families of failure. Features name their own errors as subclasses in `errors.py`.

Each class declares its stable `code`, its HTTP `status` and its `type` once; one place
(`tidemill.http.errors`) turns an error into a response.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar


class TidemillError(Exception):
    """Something a caller did, or met, that has a name.

    `code` is stable and documented, `message` is for people and says what to do,
    `param` names the field that is at fault, and `headers` go out with the response.
    """

    code: ClassVar[str] = "INTERNAL_ERROR"
    type: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.headers = headers or {}


class InvalidInput(TidemillError):
    """The request is malformed: a field is missing, unknown or outside its limits."""

    code = "INVALID_INPUT"
    type = "invalid_request_error"
    status = 400


class Unauthenticated(TidemillError):
    """No valid credential came with the request."""

    code = "UNAUTHENTICATED"
    type = "authentication_error"
    status = 401


class Forbidden(TidemillError):
    """The actor is known, and may not do this."""

    code = "FORBIDDEN"
    type = "permission_error"
    status = 403


class NotFound(TidemillError):
    """There is no such thing, or it belongs to another tenant, which looks the same."""

    code = "NOT_FOUND"
    type = "not_found_error"
    status = 404


class Conflict(TidemillError):
    """The state of the thing does not permit this now."""

    code = "CONFLICT"
    type = "conflict_error"
    status = 409


class PreconditionFailed(TidemillError):
    """`If-Match` names another version than the stored one."""

    code = "PRECONDITION_FAILED"
    type = "precondition_error"
    status = 412


class TooLarge(TidemillError):
    """A body, a field or a file is over its limit."""

    code = "TOO_LARGE"
    type = "invalid_request_error"
    status = 413


class RuleViolation(TidemillError):
    """The request is well-formed, and a rule of the domain forbids it."""

    code = "RULE_VIOLATION"
    type = "rule_violation_error"
    status = 422


class RateLimited(TidemillError):
    """Too many requests; `Retry-After` says when to come back."""

    code = "RATE_LIMITED"
    type = "rate_limit_error"
    status = 429


class Unavailable(TidemillError):
    """A part that this request needs is not there right now; it may be tried again."""

    code = "UNAVAILABLE"
    type = "unavailable_error"
    status = 503


def every_error(base: type[TidemillError] = TidemillError) -> Iterator[type[TidemillError]]:
    """Yield each declared error class below `base`, families included."""
    for error in base.__subclasses__():
        yield error
        yield from every_error(error)
