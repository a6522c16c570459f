"""How a statement asks whether the work item `w` waits for another one."""

from __future__ import annotations

from typing import Final

from tidemill.board.workflows.models import CLOSED

FINISHED: Final = ", ".join(f"'{category}'" for category in sorted(CLOSED))
# A single value: PostgreSQL would answer EXISTS for a page of items from all links of the tenant.
OPEN_BLOCKER: Final = f"""(
    SELECT 1 FROM dependencies AS d
    JOIN work_items AS b ON b.tenant_id = d.tenant_id AND b.id = d.blocking_item_id
    JOIN projects AS q ON q.tenant_id = b.tenant_id AND q.id = b.project_id
    WHERE d.tenant_id = w.tenant_id AND d.blocked_item_id = w.id AND d.dependency_type = 'blocks'
        AND b.deleted_at IS NULL AND q.deleted_at IS NULL AND b.status_category NOT IN ({FINISHED})
    LIMIT 1
)"""  # noqa: S608 - constant names of categories
"""1 when something that is not finished blocks the item, else null."""
IS_BLOCKED: Final = f"w.status_category NOT IN ({FINISHED}) AND {OPEN_BLOCKER} IS NOT NULL"
IS_NOT_BLOCKED: Final = f"(w.status_category IN ({FINISHED}) OR {OPEN_BLOCKER} IS NULL)"
