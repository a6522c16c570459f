"""Every failure of what jobs say and keep while they run."""

from __future__ import annotations

from tidemill.core.errors import Forbidden, RuleViolation


class RowTooLarge(RuleViolation):
    """A row of a file is longer than what is read at once."""

    code = "ROW_TOO_LARGE"

    def __init__(self, offset: int, bytes_max: int) -> None:
        super().__init__(
            f"The row at byte {offset} has more than {bytes_max} bytes, so neither it nor what "
            "follows can be shown. Run the query again and ask for less of each row."
        )


class MetricInvalid(RuleViolation):
    """A metric of a job has a name or a value that cannot be kept."""

    code = "METRIC_INVALID"

    def __init__(self, param: str, reason: str) -> None:
        super().__init__(f"{param}: {reason}", param=param)


class MetricsNotOwn(Forbidden):
    """Somebody else than the job itself gave figures of it."""

    code = "METRICS_NOT_OWN"

    def __init__(self, job_id: str) -> None:
        super().__init__(f"Only job {job_id} itself, by its own token, gives its metrics.")
