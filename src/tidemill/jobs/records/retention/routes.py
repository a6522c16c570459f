"""HTTP of retention rules."""

from __future__ import annotations

from tidemill.core.actor import Actor
from tidemill.core.pages import page_request
from tidemill.http import delete, get, put
from tidemill.http.parameters import Cursor, Limit
from tidemill.jobs.permissions import READ_JOBS, WRITE_RETENTION
from tidemill.jobs.records.retention.schemas import (
    PutRetentionRule,
    RetentionRulePage,
    RetentionRuleView,
)
from tidemill.jobs.records.retention.service import RetentionService


@get("/retention-rules", READ_JOBS)
async def list_retention_rules(
    actor: Actor, job_retention: RetentionService, limit: Limit = None, cursor: Cursor = None
) -> RetentionRulePage:
    """List the rules by which finished jobs go before the others, by name."""
    found = await job_retention.list(page_request(limit, cursor, "retention"), actor=actor)
    return RetentionRulePage(
        items=[RetentionRuleView.of(rule) for rule in found.items], next_cursor=found.next_cursor
    )


@put("/retention-rules/{name:str}", WRITE_RETENTION)
async def put_retention_rule(
    name: str, data: PutRetentionRule, actor: Actor, job_retention: RetentionService
) -> RetentionRuleView:
    """Say how long finished jobs of a path, or with a label, are kept.

    Of rules that fit one job the shortest counts. What is kept no longer goes within an hour.
    """
    return RetentionRuleView.of(await job_retention.put(data.rule(name), actor=actor))


@delete("/retention-rules/{name:str}", WRITE_RETENTION)
async def delete_retention_rule(name: str, actor: Actor, job_retention: RetentionService) -> None:
    """Delete a rule; what it would have deleted is kept as long as the rest."""
    await job_retention.remove(name, actor=actor)


ROUTES = (list_retention_rules, put_retention_rule, delete_retention_rule)
