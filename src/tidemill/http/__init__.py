"""The HTTP kit: routes with permissions, bodies, errors, pages and idempotency."""

from tidemill.http.authentication import (
    AUTHENTICATOR,
    FOR_GUESTS,
    Authenticator,
    SessionActor,
    context_of,
)
from tidemill.http.bodies import Body, PageView, Tagged, View, composed, etag, listed, single
from tidemill.http.idempotency import Idempotency, LaterIdempotency
from tidemill.http.parameters import VersionChanged, check_found, check_version, check_written
from tidemill.http.routing import Public, delete, get, patch, post, put, websocket

__all__ = [
    "AUTHENTICATOR",
    "FOR_GUESTS",
    "Authenticator",
    "Body",
    "Idempotency",
    "LaterIdempotency",
    "PageView",
    "Public",
    "SessionActor",
    "Tagged",
    "VersionChanged",
    "View",
    "check_found",
    "check_version",
    "check_written",
    "composed",
    "context_of",
    "delete",
    "etag",
    "get",
    "listed",
    "patch",
    "post",
    "put",
    "single",
    "websocket",
]
