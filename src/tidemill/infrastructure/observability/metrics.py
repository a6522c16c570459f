"""The figures of a process, in one Prometheus registry, under names that a lint accepts."""

from __future__ import annotations

import platform
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Final, Generic, Literal, TypeVar

import structlog
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from tidemill.core.figures import Figure, FigureKind, Sample, Spread
from tidemill.infrastructure.observability.requests import OTHER, Requests

log = structlog.get_logger(__name__)

children_max: Final = 1_000

_NAME: Final = re.compile(r"tidemill_[a-z][a-z0-9]*(_[a-z0-9]+)*")
_LABEL: Final = re.compile(r"[a-z][a-z0-9_]*")
# Unbounded: each value would be a series of its own.
_NO_LABELS: Final = frozenset({"tenant", "user", "job", "item", "address", "path", "request"})
_NOT_BASE_UNITS: Final = re.compile(
    r"_(ms|milliseconds|microseconds|minutes|hours|days|kb|mb|kib|mib|percent)(_|$)"
)

M = TypeVar("M", Counter, Gauge, Histogram)


class Family(Generic[M]):
    """A figure with labels, whose children are found once and kept."""

    def __init__(self, metric: M, labels: Sequence[str]) -> None:
        self._metric: M = metric
        self._labels = tuple(labels)
        self._children: dict[tuple[str, ...], M] = {}

    def of(self, *values: str) -> M:
        """Return the figure of these label values.

        Beyond a thousand combinations all further ones count as `other`.
        """
        child = self._children.get(values)
        if child is None:
            if len(self._children) >= children_max:
                values = (OTHER,) * len(self._labels)
            child = self._metric.labels(*values) if self._labels else self._metric
            self._children[values] = child
        return child


class Metrics:
    """Makes the figures of a process and writes them out."""

    def __init__(self, *, version: str, role: str, revision: str = "unknown") -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        GCCollector(registry=self._registry)
        labels = ("version", "revision", "role", "python")
        build = self.gauge("tidemill_build_info", "What runs here.", labels)
        build.of(version, revision, role, platform.python_version()).set(1)
        requests = Requests()
        for figure in requests.figures():
            self.add(figure)
        self.observe_request = requests.observe
        """Takes method, route, status and seconds of a request that was answered."""

    def counter(self, name: str, meaning: str, labels: Sequence[str] = ()) -> Family[Counter]:
        """Make a figure that only grows; its name ends in `_total`."""
        check_name(name, "counter", labels)
        return Family(Counter(name, meaning, labels, registry=self._registry), labels)

    def gauge(self, name: str, meaning: str, labels: Sequence[str] = ()) -> Family[Gauge]:
        """Make a figure that rises and falls."""
        check_name(name, "gauge", labels)
        return Family(Gauge(name, meaning, labels, registry=self._registry), labels)

    def histogram(
        self,
        name: str,
        meaning: str,
        labels: Sequence[str] = (),
        *,
        buckets: Sequence[float] = Histogram.DEFAULT_BUCKETS,
    ) -> Family[Histogram]:
        """Make a distribution; its name ends in its unit, `_seconds` or `_bytes`."""
        check_name(name, "histogram", labels)
        metric = Histogram(name, meaning, labels, registry=self._registry, buckets=buckets)
        return Family(metric, labels)

    def pull(
        self,
        name: str,
        meaning: str,
        read: Callable[[], Iterable[Sample | Spread]],
        *,
        kind: Literal["counter", "gauge"] = "gauge",
        labels: Sequence[str] = (),
    ) -> None:
        """Have `read` called whenever figures are written out; it must not block."""
        self.add(
            Figure(
                name=name, meaning=meaning, read=read, kind=FigureKind(kind), labels=tuple(labels)
            )
        )

    def add(self, figure: Figure) -> None:
        """Read `figure` whenever figures are written out. Raises `ValueError` for its name."""
        check_name(figure.name, figure.kind, figure.labels)
        self._registry.register(_Pulled(figure))

    def render(self) -> bytes:
        """Return every figure in Prometheus' text format."""
        return generate_latest(self._registry)


class _Pulled(Collector):
    """Reads figures when they are asked for."""

    def __init__(self, figure: Figure) -> None:
        self._figure = figure

    def describe(self) -> Iterator[Metric]:
        """Say the name, so that a second figure of that name is refused."""
        yield self._family()

    def collect(self) -> Iterator[Metric]:
        """Read now; a figure that cannot be read is left out and told in the log."""
        family = self._family()
        try:
            for sample in self._figure.read():
                _add(family, sample)
        except Exception:
            log.exception("metrics.read.failed", metric=self._figure.name)
        yield family

    def _family(self) -> _Family:
        figure = self._figure
        return _FAMILIES[figure.kind](figure.name, figure.meaning, labels=figure.labels)


_Family = CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily
_FAMILIES: Final[dict[FigureKind, type[_Family]]] = {
    FigureKind.COUNTER: CounterMetricFamily,
    FigureKind.GAUGE: GaugeMetricFamily,
    FigureKind.HISTOGRAM: HistogramMetricFamily,
}


def _add(family: _Family, sample: Sample | Spread) -> None:
    if isinstance(family, HistogramMetricFamily):
        if isinstance(sample, Spread):
            family.add_metric(sample.labels, _buckets(sample), sample.sum)
    elif isinstance(sample, Sample):
        family.add_metric(sample.labels, sample.value)


def _buckets(spread: Spread) -> list[tuple[str, float]]:
    names = [*(str(float(bound)) for bound in spread.bounds), "+Inf"]
    return list(zip(names, accumulate(map(float, spread.counts)), strict=True))


def check_name(name: str, kind: str, labels: Sequence[str]) -> None:
    """Refuse a name or a label that breaks the conventions. Raises `ValueError`."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name} must be tidemill_ and words in lower case.")
    if _NOT_BASE_UNITS.search(name):
        raise ValueError(f"{name} must count seconds or bytes.")
    if (kind == "counter") != name.endswith("_total"):
        raise ValueError(f"{name}: counters, and only counters, end in _total.")
    if kind == "histogram" and not name.endswith(("_seconds", "_bytes", "_size")):
        raise ValueError(f"{name} must end in its unit, _seconds or _bytes.")
    for label in labels:
        if not _LABEL.fullmatch(label):
            raise ValueError(f"{name}: {label} is not a label in lower case.")
        if label in _NO_LABELS or label.endswith("_id") or label == "id":
            raise ValueError(f"{name}: {label} has no bound, so it cannot be a label.")
