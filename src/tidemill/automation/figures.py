"""What metrics show of automation."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tidemill.core.figures import Figure, FigureKind, gauge


def figures_of(delivered: Callable[[], int], failed: Callable[[], int]) -> Sequence[Figure]:
    """Return what automation counts in this process since its start."""
    return (
        Figure(
            name="tidemill_webhook_deliveries_total",
            meaning="Attempts to deliver webhooks that the receiver took.",
            read=gauge(delivered),
            kind=FigureKind.COUNTER,
        ),
        Figure(
            name="tidemill_webhook_failures_total",
            meaning="Attempts to deliver webhooks that failed.",
            read=gauge(failed),
            kind=FigureKind.COUNTER,
        ),
    )
