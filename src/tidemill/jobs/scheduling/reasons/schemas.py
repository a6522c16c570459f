"""Bodies of explanations."""

from __future__ import annotations

from typing import Self

from tidemill.core.clock import rfc3339_or_none
from tidemill.http import View
from tidemill.jobs.scheduling.reasons.models import Explanation, ReasonCode


class ReasonView(View, frozen=True, kw_only=True):
    """One thing that is waited for; `until` is when that ends, where it is known."""

    code: ReasonCode
    message: str
    until: str | None


class WhyView(View, frozen=True, kw_only=True):
    """The state of a job or a due time, in one sentence and in parts."""

    id: str
    state: str
    message: str
    reasons: list[ReasonView]
    job_id: str | None
    schedule_path: str | None

    @classmethod
    def of(cls, explanation: Explanation) -> Self:
        """Return the view of `explanation`."""
        return cls(
            id=explanation.id,
            state=explanation.state,
            message=explanation.message,
            reasons=[
                ReasonView(
                    code=reason.code,
                    message=reason.message,
                    until=rfc3339_or_none(reason.until),
                )
                for reason in explanation.reasons
            ],
            job_id=explanation.job_id,
            schedule_path=explanation.schedule_path,
        )
