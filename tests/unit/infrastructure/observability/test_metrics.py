from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from tidemill.infrastructure.observability import Metrics, Sample
from tidemill.infrastructure.observability.metrics import check_name, children_max


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(version="1.2.3", role="api")


def lines(metrics: Metrics, start: str) -> list[str]:
    return [line for line in metrics.render().decode().splitlines() if line.startswith(start)]


def test_render_says_what_runs_here(metrics: Metrics) -> None:
    (line,) = lines(metrics, "tidemill_build_info{")
    assert 'version="1.2.3"' in line
    assert line.endswith(" 1.0")
    assert lines(metrics, "process_resident_memory_bytes ")


def test_observe_request_counts_and_times(metrics: Metrics) -> None:
    """Q33: metrics."""
    metrics.observe_request("GET", "/things/{id}", 200, 0.003)
    metrics.observe_request("GET", "/things/{id}", 200, 0.5)

    (count,) = lines(metrics, "tidemill_http_requests_total{")
    assert 'route="/things/{id}"' in count
    assert count.endswith(" 2.0")
    below = [line for line in lines(metrics, "tidemill_http_request_dur") if 'le="0.005"' in line]
    assert below[0].endswith(" 1.0")


def test_observe_request_is_bounded_whatever_the_routes_are(metrics: Metrics) -> None:
    for number in range(children_max + 50):
        metrics.observe_request("GET", f"/{number}", 200, 0.5)

    (other,) = lines(metrics, "tidemill_http_requests_total{" + 'method="other",route="other"')
    assert other.endswith(" 50.0")
    assert len(lines(metrics, "tidemill_http_requests_total{")) == children_max + 1


def test_of_finds_a_child_once(metrics: Metrics) -> None:
    family = metrics.counter("tidemill_jobs_completed_total", "Jobs.", ("outcome",))

    assert family.of("failed") is family.of("failed")
    assert family.of("failed") is not family.of("succeeded")


def test_of_is_bounded_whatever_the_labels_are(metrics: Metrics) -> None:
    family = metrics.counter("tidemill_x_total", "X.", ("route",))
    for number in range(children_max + 50):
        family.of(str(number)).inc()

    (other,) = lines(metrics, 'tidemill_x_total{route="other"}')
    assert other.endswith(" 50.0")
    assert len(lines(metrics, "tidemill_x_total{")) == children_max + 1


def test_pull_reads_when_asked(metrics: Metrics) -> None:
    depth = [1.0]
    metrics.pull(
        "tidemill_queue_jobs",
        "Jobs.",
        lambda: [Sample(depth[0], ("default",))],
        labels=("queue",),
    )
    assert lines(metrics, "tidemill_queue_jobs{") == ['tidemill_queue_jobs{queue="default"} 1.0']

    depth[0] = 2.0

    assert lines(metrics, "tidemill_queue_jobs{") == ['tidemill_queue_jobs{queue="default"} 2.0']


def test_pull_leaves_out_what_cannot_be_read(metrics: Metrics) -> None:
    def broken() -> Iterator[Sample]:
        raise RuntimeError("no")

    metrics.pull("tidemill_broken_things", "Broken.", broken)

    assert lines(metrics, "tidemill_build_info{")
    assert lines(metrics, "tidemill_broken_things ") == []


def test_names_are_used_once(metrics: Metrics) -> None:
    metrics.pull("tidemill_queue_jobs", "Jobs.", list)

    with pytest.raises(ValueError, match="Duplicated"):
        metrics.gauge("tidemill_queue_jobs", "Jobs.")


@pytest.mark.parametrize(
    ("name", "kind", "labels"),
    [
        ("jobs_total", "counter", ()),
        ("tidemill_Jobs_total", "counter", ()),
        ("tidemill_jobs", "counter", ()),
        ("tidemill_jobs_total", "gauge", ()),
        ("tidemill_wait_ms", "histogram", ()),
        ("tidemill_wait", "histogram", ()),
        ("tidemill_age_minutes", "gauge", ()),
        ("tidemill_jobs_total", "counter", ("tenant_id",)),
        ("tidemill_jobs_total", "counter", ("user",)),
        ("tidemill_jobs_total", "counter", ("Kind",)),
    ],
)
def test_check_name_refuses_what_breaks_the_conventions(
    name: str, kind: str, labels: Sequence[str]
) -> None:
    with pytest.raises(ValueError, match=name):
        check_name(name, kind, labels)
