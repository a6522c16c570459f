"""Deletes what retention rules keep no longer: a portion in each transaction."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Final

from tidemill.core.ids import INSTALLATION, TenantId
from tidemill.core.ports import Database
from tidemill.jobs.records.retention.models import RetentionRule
from tidemill.jobs.records.retention.rules import RuleRepository

portion_max: Final = 2_000
rules_per_page: Final = 200
pause_seconds: Final = 0.05
"""What others have for their writes between two portions."""


class RulePruning:
    """Goes through the rules of all tenants."""

    def __init__(self, jobs: Database) -> None:
        self._database = jobs
        self._rules = RuleRepository()

    async def run(self) -> AsyncIterator[tuple[str, list[str]]]:
        """Yield tenants with the ids of the jobs that go, portion by portion.

        They go when the next portion is asked for: what belongs to them elsewhere, such as their
        logs, has to go first, since nobody would find it without them.
        """
        tenant, after = "", ""
        while True:
            read = partial(
                self._rules.of_everybody, tenant=tenant, after=after, limit=rules_per_page
            )
            rules = await self._database.read(INSTALLATION, read)
            for tenant, rule in rules:
                after = rule.name
                async for going in self._apply(TenantId(tenant), rule):
                    yield tenant, going
            if len(rules) < rules_per_page:
                return

    async def _apply(self, tenant_id: TenantId, rule: RetentionRule) -> AsyncIterator[list[str]]:
        while True:
            read = partial(self._rules.outlived, rule=rule, limit=portion_max)
            going = await self._database.read(tenant_id, read)
            if going:
                yield going
                await self._database.write(
                    tenant_id, partial(self._rules.forget, rule=rule, ids=going)
                )
            if len(going) < portion_max:
                return
            await asyncio.sleep(pause_seconds)
