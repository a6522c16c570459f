"""Counts and times HTTP requests, plainly: it happens at each of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tidemill.core.figures import Counts, Distribution, Figure, FigureKind, Spread

OTHER: Final = "other"
routes_max: Final = 1_000

_SECONDS: Final = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
)  # fmt: skip


class Requests:
    """How many requests each route answered, with which status and how fast."""

    def __init__(self) -> None:
        self._answered = Counts()
        self._seconds: dict[tuple[str, str], Distribution] = {}

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request; beyond a thousand routes all further ones are `other`."""
        known = self._seconds.get((method, route))
        if known is None:
            if len(self._seconds) >= routes_max:
                method = route = OTHER
            known = self._seconds.setdefault((method, route), Distribution(_SECONDS))
        known.observe(seconds)
        self._answered.add(method, route, str(status))

    def figures(self) -> Sequence[Figure]:
        """Return what metrics show of them."""
        return (
            Figure(
                name="tidemill_http_requests_total",
                meaning="Requests answered.",
                read=self._answered.samples,
                kind=FigureKind.COUNTER,
                labels=("method", "route", "status"),
            ),
            Figure(
                name="tidemill_http_request_duration_seconds",
                meaning="Time from a request's head to the end of its answer.",
                read=self._spreads,
                kind=FigureKind.HISTOGRAM,
                labels=("method", "route"),
            ),
        )

    def _spreads(self) -> list[Spread]:
        return [
            spread for labels, each in self._seconds.items() for spread in each.spreads(*labels)
        ]
