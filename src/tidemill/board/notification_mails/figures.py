"""What metrics show of mail."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tidemill.core.figures import Figure, FigureKind, gauge


def figures_of(sent: Callable[[], int], failed: Callable[[], int]) -> Sequence[Figure]:
    """Return what this process counts since its start."""
    return (
        Figure(
            name="tidemill_notification_mails_sent_total",
            meaning="Mails of notifications that were handed over.",
            read=gauge(sent),
            kind=FigureKind.COUNTER,
        ),
        Figure(
            name="tidemill_notification_mails_failed_total",
            meaning="Attempts to hand over mails of notifications that failed.",
            read=gauge(failed),
            kind=FigureKind.COUNTER,
        ),
    )
