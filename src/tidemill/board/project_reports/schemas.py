"""How reports of projects look on the wire."""

from __future__ import annotations

from datetime import date
from typing import Self

from tidemill.board.project_reports.courses import Flow, FlowDay
from tidemill.board.project_reports.models import (
    Durations,
    Forecast,
    Spread,
    SprintResult,
    Velocity,
)
from tidemill.board.sprints.schemas import TotalsView
from tidemill.core.clock import MICROSECONDS_PER_SECOND
from tidemill.http import View


class SprintResultView(View, frozen=True, kw_only=True):
    """What a completed sprint had committed to, and what it got done."""

    sprint_id: str
    name: str
    ended_at: int
    committed: TotalsView
    final: TotalsView

    @classmethod
    def of(cls, result: SprintResult) -> Self:
        """Return the view of `result`."""
        return cls(
            sprint_id=result.sprint_id,
            name=result.name,
            ended_at=result.ended_at // MICROSECONDS_PER_SECOND,
            committed=TotalsView.of(result.committed),
            final=TotalsView.of(result.final),
        )


class SpreadView(View, frozen=True, kw_only=True):
    """Mean and standard deviation; the latter is null for fewer than two sprints."""

    mean: float
    deviation: float | None

    @classmethod
    def of(cls, spread: Spread) -> Self:
        """Return the view of `spread`."""
        return cls(mean=spread.mean, deviation=spread.deviation)


class VelocityView(View, frozen=True, kw_only=True):
    """What the last completed sprints got done, oldest first, in items and in story points."""

    sprints: list[SprintResultView]
    items: SpreadView | None
    points: SpreadView | None

    @classmethod
    def of(cls, velocity: Velocity) -> Self:
        """Return the view of `velocity`."""
        return cls(
            sprints=[SprintResultView.of(sprint) for sprint in velocity.sprints],
            items=SpreadView.of(velocity.items) if velocity.items else None,
            points=SpreadView.of(velocity.points) if velocity.points else None,
        )


class FlowDayView(View, frozen=True, kw_only=True):
    """How many items were in each category at the end of a day."""

    date: date
    backlog: int
    unstarted: int
    started: int
    done: int
    cancelled: int

    @classmethod
    def of(cls, day: FlowDay) -> Self:
        """Return the view of `day`."""
        counts = {category.value: count for category, count in day.counts.items()}
        return cls(date=day.date, **counts)


class CumulativeFlowView(View, frozen=True, kw_only=True):
    """The items of a project by category, day by day."""

    days: list[FlowDayView]


class DurationsView(View, frozen=True, kw_only=True):
    """How long `count` items took; so many percent of them took no longer than so many seconds."""

    count: int
    percentiles: dict[str, int]

    @classmethod
    def of(cls, durations: Durations) -> Self:
        """Return the view of `durations`."""
        return cls(
            count=durations.count,
            percentiles={str(percent): value for percent, value in durations.seconds.items()},
        )


class ThroughputView(View, frozen=True, kw_only=True):
    """How many items were done on a day."""

    date: date
    done: int


class FlowView(View, frozen=True, kw_only=True):
    """Lead time is from being made to done, cycle time from being begun to done."""

    lead_time: DurationsView
    cycle_time: DurationsView
    throughput: list[ThroughputView]

    @classmethod
    def of(cls, flow: Flow) -> Self:
        """Return the view of `flow`."""
        return cls(
            lead_time=DurationsView.of(flow.lead),
            cycle_time=DurationsView.of(flow.cycle),
            throughput=[ThroughputView(date=day, done=done) for day, done in flow.throughput],
        )


class ForecastView(View, frozen=True, kw_only=True):
    """By when so many items will be done, by how sure one may be of it, in percent.

    There is no date where the simulation came to no end within ten years, and none at all when
    nothing was done in the period that was looked at.
    """

    items: int
    done_in_the_period: int
    runs: int
    days: dict[str, int | None]
    dates: dict[str, date | None]

    @classmethod
    def of(cls, forecast: Forecast) -> Self:
        """Return the view of `forecast`."""
        return cls(
            items=forecast.items,
            done_in_the_period=forecast.done_in_the_past,
            runs=forecast.runs,
            days={str(percent): days for percent, days in forecast.days.items()},
            dates={str(percent): day for percent, day in forecast.dates.items()},
        )
