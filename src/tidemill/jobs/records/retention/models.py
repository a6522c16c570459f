"""How long finished jobs are kept; no I/O."""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct

from tidemill.core.clock import Instant
from tidemill.jobs.control_errors import RetentionRuleInvalid
from tidemill.jobs.queueing.queue.requests import is_label
from tidemill.jobs.records.search.models import JobFilter

rules_per_tenant_max: Final = 100
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


class RetentionRule(Struct, frozen=True):
    """For how many days finished jobs of a path, or with a label, are kept.

    `path` is that of a script or the name of a function, `*` at its end stands for anything. Of
    rules that fit one job the shortest counts. The fields are in the order of the columns.
    """

    name: str
    path: str | None
    label: str | None
    keep_days: int
    updated_at: Instant = Instant(0)
    updated_by: str = ""

    def checked(self, history_days: int) -> RetentionRule:
        """Return this rule; raises `RetentionRuleInvalid` when it could not have an effect."""
        if not _NAME.fullmatch(self.name):
            expected = "1 to 63 characters of a-z, 0-9, '_' and '-'"
            raise RetentionRuleInvalid(f"name must be {expected}.", param="name")
        if (self.path is None) == (self.label is None):
            raise RetentionRuleInvalid("Give either a path or a label.", param="path")
        if self.label is not None and not is_label(self.label):
            raise RetentionRuleInvalid("label must be one label of jobs.", param="label")
        if self.path is not None:
            JobFilter(path=self.path).checked()
        if not 0 <= self.keep_days < history_days:
            raise RetentionRuleInvalid(
                f"keep_days must be between 0 and {history_days - 1}: everything goes after "
                f"{history_days} days (jobs.history_days).",
                param="keep_days",
            )
        return self
