"""The SQL of the ledger."""

from __future__ import annotations

from typing import Final

from msgspec import structs

from tidemill.core.clock import Instant
from tidemill.core.ports import Tx
from tidemill.llm.usage.models import Dimension, LedgerRow, Total

_NAMES: Final = tuple(LedgerRow.__struct_fields__)
_INSERT: Final = f"""
    INSERT INTO llm_requests (tenant_id, {", ".join(_NAMES)})
    VALUES (:tenant_id, {", ".join(f":{name}" for name in _NAMES)})
    ON CONFLICT (tenant_id, id) DO NOTHING
"""  # noqa: S608 - our own names
_PAGE: Final = f"""
    SELECT {", ".join(_NAMES)} FROM llm_requests
    WHERE tenant_id = :tenant_id AND id < :before
    ORDER BY id DESC LIMIT :limit
"""  # noqa: S608 - our own names
_KEYS: Final = {
    Dimension.MODEL: "model",
    Dimension.PROVIDER: "provider_id",
    Dimension.USER: "user_id",
    Dimension.ACTOR: "actor_id",
    Dimension.OPERATION: "operation",
}
_TOTALS: Final = {
    dimension: f"""
    SELECT {column}, count(*), sum(CASE WHEN outcome = 'failed' THEN 1 ELSE 0 END),
        sum(input_tokens), sum(cached_tokens), sum(output_tokens), sum(reasoning_tokens)
    FROM llm_requests
    WHERE tenant_id = :tenant_id AND started_at >= :since AND started_at < :until
    GROUP BY {column}
    HAVING coalesce({column}, ' ') > :after
    ORDER BY coalesce({column}, ' ') LIMIT :limit
    """  # noqa: S608 - our own names
    for dimension, column in _KEYS.items()
}
_END_OF_IDS: Final = "g"
"""Behind every id. What has no value stands, as a blank, before all that have one."""


class LedgerRepository:
    """Requests of models, as they ended."""

    def add(self, tx: Tx, row: LedgerRow) -> None:
        """Insert a row, once."""
        tx.execute(_INSERT, **structs.asdict(row))

    def page(self, tx: Tx, *, before: str | None, limit: int) -> list[LedgerRow]:
        """Return rows, newest first."""
        rows = tx.all(_PAGE, before=before or _END_OF_IDS, limit=limit)
        return [LedgerRow(*row) for row in rows]

    def totals(
        self, tx: Tx, by: Dimension, *, since: Instant, until: Instant, after: str, limit: int
    ) -> list[Total]:
        """Return sums by the values of a dimension, in their order."""
        rows = tx.all(_TOTALS[by], since=since, until=until, after=after, limit=limit)
        return [
            Total(
                key=key,
                requests=requests,
                failed=int(failed),
                input_tokens=int(input_),
                cached_tokens=int(cached),
                output_tokens=int(output),
                reasoning_tokens=int(reasoning),
            )
            for key, requests, failed, input_, cached, output, reasoning in rows
        ]
