"""Puts together what belongs to jobs that speak of themselves: logs, progress, metrics, states."""

from __future__ import annotations

from pathlib import Path

from tidemill.core.module import Parts
from tidemill.http.authentication import AUTHENTICATOR, still_valid_by
from tidemill.jobs.code.states.routes import ROUTES as STATE_ROUTES
from tidemill.jobs.code.states.service import FunctionStateService, ScriptStateService
from tidemill.jobs.folders.service import FolderService
from tidemill.jobs.queueing.queue.service import JobService
from tidemill.jobs.records.attempts.routes import ROUTES as ATTEMPT_ROUTES
from tidemill.jobs.records.attempts.service import AttemptService
from tidemill.jobs.records.following.routes import ROUTES as FOLLOWING_ROUTES
from tidemill.jobs.records.following.service import FollowingService
from tidemill.jobs.records.logs.files import LogFiles
from tidemill.jobs.records.logs.routes import ROUTES as LOG_ROUTES
from tidemill.jobs.records.logs.service import LogService
from tidemill.jobs.records.logs.writing import LogArrivals
from tidemill.jobs.records.metrics.routes import ROUTES as METRIC_ROUTES
from tidemill.jobs.records.metrics.service import MetricService
from tidemill.jobs.records.progress.routes import ROUTES as PROGRESS_ROUTES
from tidemill.jobs.records.progress.service import ProgressService
from tidemill.jobs.records.rows.files import RowFiles
from tidemill.jobs.records.rows.routes import ROUTES as ROW_ROUTES
from tidemill.jobs.records.rows.service import RowService

ROUTES = (
    *STATE_ROUTES,
    *FOLLOWING_ROUTES,
    *PROGRESS_ROUTES,
    *METRIC_ROUTES,
    *ATTEMPT_ROUTES,
    *ROW_ROUTES,
    *LOG_ROUTES,
)


def speaking(
    parts: Parts, jobs: JobService, folders: FolderService, files: LogFiles, arrivals: LogArrivals
) -> dict[str, object]:
    """Return the services by which jobs say, keep and show things, by their names in routes."""
    attempts = AttemptService(parts.jobs, jobs)
    logs = LogService(
        files,
        arrivals,
        jobs,
        attempts,
        clock=parts.clock,
        still_valid=still_valid_by(parts.late(AUTHENTICATOR)),
    )
    progress = ProgressService(parts.jobs, jobs, parts.live)
    metrics = MetricService(parts.jobs, jobs, parts.live)
    return {
        "job_logs": logs,
        "job_progress": progress,
        "job_metrics": metrics,
        "job_attempts": attempts,
        "job_following": FollowingService(logs, progress),
        "job_rows": RowService(RowFiles(Path(parts.config.server.data_dir) / "files"), jobs),
        "function_states": FunctionStateService(parts.jobs, folders),
        "script_states": ScriptStateService(parts.tenants),
    }
