"""What metrics show of people who enter."""

from __future__ import annotations

from collections.abc import Sequence

from tidemill.core.figures import Counts, Figure, FigureKind, gauge
from tidemill.identity.credential_errors import RefreshTokenReused


def figures_of(attempts: Counts) -> Sequence[Figure]:
    """Return what identity offers; `attempts` are counted by method and outcome."""
    return (
        Figure(
            name="tidemill_auth_attempts_total",
            meaning="Attempts to log in or to renew a session.",
            read=attempts.samples,
            kind=FigureKind.COUNTER,
            labels=("method", "outcome"),
        ),
        Figure(
            name="tidemill_refresh_reuse_total",
            meaning="Refresh tokens that came back: somebody held a copy.",
            read=gauge(lambda: attempts.of("refresh", RefreshTokenReused.code.lower())),
            kind=FigureKind.COUNTER,
        ),
    )
