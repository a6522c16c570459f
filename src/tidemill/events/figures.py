"""What metrics show of the delivery of facts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tidemill.core.figures import Figure, FigureKind, gauge
from tidemill.events.contract import DeliveryFigures


def figures_of(
    look: Callable[[], DeliveryFigures], published: Callable[[], int]
) -> Sequence[Figure]:
    """Return what the events module offers; `look` says how delivery stands now."""
    return (
        _gauge(
            "tidemill_ws_connections",
            "Open WebSockets.",
            lambda: look().connections - look().event_streams,
        ),
        _gauge("tidemill_sse_clients", "Open event streams.", lambda: look().event_streams),
        _gauge(
            "tidemill_live_connections_lagged",
            "Connections that were too slow and have not caught up yet.",
            lambda: look().connections_lagged,
        ),
        _counter(
            "tidemill_slow_consumers_total",
            "Times that a connection was told to resync.",
            lambda: look().lagged_since_start,
        ),
        _gauge(
            "tidemill_outbox_pending",
            "Stores whose facts or audit lines are on their way, by drain.",
            lambda: look().lanes_waiting,
        ),
        _gauge(
            "tidemill_outbox_oldest_seconds",
            "How long the oldest of them has been on its way.",
            lambda: look().oldest_seconds,
        ),
        _gauge(
            "tidemill_relay_lanes_failing",
            "Pieces of delivery that failed and are tried again.",
            lambda: look().lanes_failing,
        ),
        _gauge(
            "tidemill_followers_blocked",
            "Projections and reactions that fail now.",
            lambda: look().followers_blocked,
        ),
        _counter(
            "tidemill_facts_parked_total",
            "Facts that reactions gave up on.",
            lambda: look().facts_parked,
        ),
        _counter("tidemill_events_published_total", "Facts given to the bus.", published),
    )


def _gauge(name: str, meaning: str, read: Callable[[], float]) -> Figure:
    return Figure(name=name, meaning=meaning, read=gauge(read))


def _counter(name: str, meaning: str, read: Callable[[], float]) -> Figure:
    return Figure(name=name, meaning=meaning, read=gauge(read), kind=FigureKind.COUNTER)
