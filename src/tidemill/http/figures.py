"""What metrics show of requests that were refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tidemill.core.authorization import PermissionDenied
from tidemill.core.figures import Counts, Figure, FigureKind, gauge
from tidemill.http.limits import TooManyRequests


def figures_of(refused: Counts) -> Sequence[Figure]:
    """Return what the API shows of the errors that it answered."""
    return (
        Figure(
            name="tidemill_http_errors_total",
            meaning="Errors that were answered, by code.",
            read=refused.samples,
            kind=FigureKind.COUNTER,
            labels=("code",),
        ),
        _one(
            "tidemill_authz_denied_total",
            "Requests without the role or scope that they need.",
            lambda: refused.of(PermissionDenied.code),
        ),
        _one(
            "tidemill_rate_limited_total",
            "Requests over a limit.",
            lambda: refused.of(TooManyRequests.code),
        ),
    )


def _one(name: str, meaning: str, read: Callable[[], int]) -> Figure:
    return Figure(name=name, meaning=meaning, read=gauge(read), kind=FigureKind.COUNTER)
