"""`/metrics` as Prometheus reads it, and `/ready` as load balancers do."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import anyio
import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from tests.fixtures.app import OWNER_EMAIL, App, make_app
from tests.fixtures.stores import StoresKind
from tidemill.core.config.sections.storing import Redis

pytestmark = pytest.mark.anyio

_NAME: Final = re.compile(r"tidemill_[a-z0-9_]+")
_UNBOUNDED: Final = re.compile(r"tenant|user|(^|_)id$|address|path")
_CORE: Final = frozenset(
    {
        "audit_lines",
        "audit_verifications",
        "auth_attempts",
        "authz_denied",
        "build_info",
        "db_connections",
        "db_group_size",
        "db_open_files",
        "db_queue_depth",
        "db_use_case_seconds",
        "db_wait_seconds",
        "db_wal_bytes",
        "dispatcher_is_leader",
        "events_published",
        "fenced_outcomes",
        "workers_refused",
        "http_errors",
        "http_request_duration_seconds",
        "http_requests",
        "http_requests_in_flight",
        "job_oldest_age_seconds",
        "job_retries",
        "job_run_seconds",
        "job_wait_seconds",
        "jobs",
        "jobs_completed",
        "jobs_rescued",
        "lease_expired",
        "outbox_oldest_seconds",
        "outbox_pending",
        "rate_limited",
        "refresh_reuse",
        "slow_consumers",
        "sse_clients",
        "workers_connected",
        "ws_connections",
    }
)


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    async with make_app(tmp_path) as app:
        yield app


async def metrics_of(app: App) -> dict[str, Metric]:
    answer = await app.anonymous.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    return {family.name: family for family in text_string_to_metric_families(answer.text)}


def value(families: dict[str, Metric], name: str, **labels: str) -> float:
    samples = [s for s in families[f"tidemill_{name}"].samples if s.labels == labels]
    return next(s.value for s in samples if not s.name.endswith("_created"))


async def test_metrics_integration_prometheus_own_parser_reads_the_core_set(app: App) -> None:
    families = await metrics_of(app)

    assert {f"tidemill_{name}" for name in _CORE} - set(families) == set()


async def test_metrics_integration_names_and_labels_keep_the_conventions(app: App) -> None:
    await app.owner.get("/api/v1/projects")
    families = await metrics_of(app)
    own = [family for family in families.values() if family.name.startswith("tidemill_")]

    assert [f.name for f in own if not _NAME.fullmatch(f.name) or not f.documentation] == []
    labels = {label for f in own for sample in f.samples for label in sample.labels}
    assert {label for label in labels if _UNBOUNDED.search(label)} == set()
    assert sum(len(family.samples) for family in families.values()) < 5_000


async def test_metrics_integration_counts_who_is_refused(app: App) -> None:
    wrong = {"email": OWNER_EMAIL, "password": "not the password"}
    await app.anonymous.post("/api/v1/auth/login", json=wrong)
    body = {"name": "reader", "scopes": ["read"], "expires_in_days": 1}
    made = await app.owner.post("/api/v1/api-tokens", json=body)
    reader = app.client(made.json()["token"])
    refused = await reader.post("/api/v1/projects", json={"key": "TM", "name": "T"})
    assert refused.status_code == 403, refused.text

    families = await metrics_of(app)

    assert value(families, "auth_attempts", method="password", outcome="succeeded") == 1
    assert value(families, "auth_attempts", method="password", outcome="wrong_credentials") == 1
    assert value(families, "authz_denied") == 1
    assert value(families, "http_errors", code="PERMISSION_DENIED") == 1


async def test_metrics_integration_commits_are_counted_by_their_group(app: App) -> None:
    before = await metrics_of(app)
    await app.owner.post("/api/v1/projects", json={"key": "TM", "name": "T"})
    after = await metrics_of(app)

    def commits(families: dict[str, Metric]) -> float:
        samples = families["tidemill_db_group_size"].samples
        return sum(s.value for s in samples if s.name.endswith("_count"))

    assert commits(after) > commits(before) > 0


async def test_metrics_integration_the_request_for_metrics_is_in_flight(app: App) -> None:
    await app.owner.get("/api/v1/projects")

    assert value(await metrics_of(app), "http_requests_in_flight") == 1


@pytest.mark.parametrize("kind", ["sqlite", "schema"])
async def test_metrics_integration_use_cases_are_timed(kind: StoresKind, tmp_path: Path) -> None:
    async with make_app(tmp_path, kind) as app:
        before = await metrics_of(app)
        await app.owner.post("/api/v1/projects", json={"key": "TM", "name": "T"})
        await app.owner.get("/api/v1/projects")
        after = await metrics_of(app)
        # Services of the application may be in the middle of a use case of their own.
        with anyio.fail_after(60):
            settled = after
            while _use_cases("wait", settled) != _use_cases("use_case", settled):
                settled = await metrics_of(app)

    for access in ("write", "read"):
        counted = [_use_cases("use_case", families, access=access) for families in (before, after)]
        assert counted[1] - counted[0] >= 1


def _use_cases(family: str, families: dict[str, Metric], **labels: str) -> float:
    wanted = {"store": "tenant", **labels}
    return sum(
        sample.value
        for sample in families[f"tidemill_db_{family}_seconds"].samples
        if sample.name.endswith("_count") and wanted.items() <= sample.labels.items()
    )


async def test_ready_integration_a_missing_worker_is_told_and_requests_still_come(
    app: App,
) -> None:
    answer = await app.anonymous.get("/ready")

    parts = {part["name"]: part for part in answer.json()["parts"]}
    assert answer.status_code == 200
    assert answer.json()["ready"] is True
    assert parts["workers"]["vital"] is False
    assert parts["workers"]["reason"].startswith("No worker is connected")
    assert {name for name, part in parts.items() if part["vital"]} == {
        "control",
        "jobs",
        "tenants",
    }
    assert parts["dispatcher"]["ready"]


async def test_ready_integration_a_lost_redis_is_told_while_requests_succeed(
    tmp_path: Path,
) -> None:
    nobody = Redis(url="redis://127.0.0.1:1/0")
    async with make_app(tmp_path, redis=nobody) as app:
        asked = await app.owner.get("/api/v1/projects")
        answer = await app.anonymous.get("/ready")

    redis = next(part for part in answer.json()["parts"] if part["name"] == "redis")
    assert (asked.status_code, answer.status_code) == (200, 200)
    assert not redis["ready"]
    assert "Redis does not answer" in redis["reason"]


async def test_ready_integration_a_full_disk_is_told_with_a_log_line(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    stores = app.application.process.stores
    usage = type("Usage", (), {"free": 0})
    monkeypatch.setattr(
        "tidemill.infrastructure.database.sqlite.assembly.shutil.disk_usage", lambda _: usage
    )
    assert stores.dialect == "sqlite"

    with capture_logs() as lines:
        answer = await app.anonymous.get("/ready")

    assert answer.status_code == 503
    reasons = {part["name"]: part["reason"] for part in answer.json()["parts"]}
    assert reasons["control"] == reasons["tenants"] == "the disk is full"
    failed = {line["part"] for line in lines if line["event"] == "health.part.failed"}
    assert {"control", "jobs", "tenants"} <= failed


async def test_ready_integration_asks_the_stores_once_for_all_parts(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    stores = app.application.process.stores
    asked = []
    health = stores.health

    async def counted() -> object:
        asked.append(1)
        return await health()

    monkeypatch.setattr(stores, "health", counted)

    await app.anonymous.get("/ready")

    assert len(asked) == 1
