"""Facts on their way: the stream of each tenant, the relay, followers, and live views."""

from tidemill.events.cloud_events import cloud_event
from tidemill.events.contract import (
    DELIVERY,
    EVERYBODY,
    FOLDER_VISIBILITY,
    LIVE_CONNECTIONS,
    PROJECT_VISIBILITY,
    READ_EVENTS,
    Audience,
    Delivery,
    DeliveryFigures,
    Drain,
    LiveConnections,
    Progress,
    Visibility,
)
from tidemill.events.marks.service import Marks

__all__ = [
    "DELIVERY",
    "EVERYBODY",
    "FOLDER_VISIBILITY",
    "LIVE_CONNECTIONS",
    "PROJECT_VISIBILITY",
    "READ_EVENTS",
    "Audience",
    "Delivery",
    "DeliveryFigures",
    "Drain",
    "LiveConnections",
    "Marks",
    "Progress",
    "Visibility",
    "cloud_event",
]
