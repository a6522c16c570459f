"""What one can do with retention rules."""

from __future__ import annotations

from msgspec import structs

from tidemill.core.actor import Actor
from tidemill.core.keysets import after_text
from tidemill.core.pages import Page, PageRequest, page_of
from tidemill.core.ports import Database, Tx
from tidemill.jobs.control_errors import RetentionRuleInvalid, RetentionRuleNotFound
from tidemill.jobs.records.retention.models import RetentionRule, rules_per_tenant_max
from tidemill.jobs.records.retention.rules import RuleRepository


class RetentionService:
    """Use cases of retention rules."""

    def __init__(self, jobs: Database, *, history_days: int) -> None:
        self._database = jobs
        self._history_days = history_days
        self._rules = RuleRepository()

    async def list(self, page: PageRequest, *, actor: Actor) -> Page[RetentionRule]:
        """Return the tenant's rules, by name."""
        after = after_text(page) or ""
        rules = await self._database.read(
            actor.tenant_id,
            lambda tx: self._rules.page(tx, after=after, limit=page.limit_plus_one),
        )
        return page_of(rules, page, lambda rule: (rule.name,))

    async def put(self, rule: RetentionRule, *, actor: Actor) -> RetentionRule:
        """Keep a rule; what it keeps no longer goes within an hour or so.

        Raises `RetentionRuleInvalid`.
        """
        rule = rule.checked(self._history_days)
        by = actor.user_id or actor.id

        def use_case(tx: Tx) -> RetentionRule:
            before = self._rules.find(tx, rule.name)
            if before is None and self._rules.count(tx) >= rules_per_tenant_max:
                told = f"A tenant has at most {rules_per_tenant_max} rules. Delete one first."
                raise RetentionRuleInvalid(told, param="name")
            self._rules.put(tx, rule, by)
            kept = structs.replace(rule, updated_at=tx.now, updated_by=by)
            tx.audit(
                "jobs.retention_rules.set",
                by=actor,
                resource=f"retention-rule:{rule.name}",
                before=before,
                after=kept,
            )
            return kept

        return await self._database.write(actor.tenant_id, use_case)

    async def remove(self, name: str, *, actor: Actor) -> None:
        """Delete a rule. Raises `RetentionRuleNotFound`."""

        def use_case(tx: Tx) -> None:
            before = self._rules.find(tx, name)
            if before is None or not self._rules.remove(tx, name):
                raise RetentionRuleNotFound(name)
            tx.audit(
                "jobs.retention_rules.delete",
                by=actor,
                resource=f"retention-rule:{name}",
                before=before,
            )

        await self._database.write(actor.tenant_id, use_case)
