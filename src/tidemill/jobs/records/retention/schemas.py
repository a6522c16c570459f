"""Bodies of retention rules."""

from __future__ import annotations

from typing import Annotated, Self

from msgspec import Meta

from tidemill.core.clock import rfc3339
from tidemill.http import Body, PageView, View
from tidemill.jobs.records.retention.models import RetentionRule


class PutRetentionRule(Body, frozen=True, kw_only=True):
    """Which finished jobs are kept for how many days; `*` at the end of a path is anything."""

    path: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    label: Annotated[str, Meta(min_length=1, max_length=63)] | None = None
    keep_days: Annotated[int, Meta(ge=0)]

    def rule(self, name: str) -> RetentionRule:
        """Return the rule under its name."""
        return RetentionRule(name, self.path, self.label, self.keep_days)


class RetentionRuleView(View, frozen=True, kw_only=True):
    """A retention rule."""

    name: str
    path: str | None
    label: str | None
    keep_days: int
    updated_at: str
    updated_by: str

    @classmethod
    def of(cls, rule: RetentionRule) -> Self:
        """Return the view of `rule`."""
        return cls(
            name=rule.name,
            path=rule.path,
            label=rule.label,
            keep_days=rule.keep_days,
            updated_at=rfc3339(rule.updated_at),
            updated_by=rule.updated_by,
        )


class RetentionRulePage(PageView, frozen=True, kw_only=True):
    """Retention rules, by name."""

    items: list[RetentionRuleView]
