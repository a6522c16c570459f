"""Bodies of metrics."""

from __future__ import annotations

from tidemill.http import Body, View


class PutMetrics(Body, frozen=True, kw_only=True):
    """The latest value of each metric; those that are left out keep theirs."""

    values: dict[str, float]


class MetricsView(View, frozen=True, kw_only=True):
    """What a job has said of itself, by name."""

    values: dict[str, float]
