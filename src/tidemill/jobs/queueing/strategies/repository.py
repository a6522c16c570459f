"""The SQL of strategies, and of the tags that are known. They belong to the installation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from tidemill.core.ids import INSTALLATION
from tidemill.core.ports import Tx
from tidemill.jobs.queueing.strategies.models import OrderRule, Strategy, WorkerRule, weights_max

_COLUMNS: Final = "tag, order_rule, worker_rule, affinity_wait_seconds, reserve_seconds"
strategies_max: Final = 1_000
tags_max: Final = 10_000
_ALL: Final = f"""
    SELECT {_COLUMNS} FROM tag_strategies
    WHERE tenant_id = :installation ORDER BY tag LIMIT :limit
"""  # noqa: S608 - constant names of columns
_LIST: Final = f"""
    SELECT {_COLUMNS} FROM tag_strategies
    WHERE tenant_id = :installation AND tag > :after ORDER BY tag LIMIT :limit
"""  # noqa: S608 - constant names of columns
_FIND: Final = f"""
    SELECT {_COLUMNS} FROM tag_strategies WHERE tenant_id = :installation AND tag = :tag
"""  # noqa: S608 - constant names of columns
_COUNT: Final = "SELECT COUNT(*) FROM tag_strategies WHERE tenant_id = :installation"
_PUT: Final = f"""
    INSERT INTO tag_strategies (tenant_id, {_COLUMNS}, updated_at, updated_by)
    VALUES (:installation, :tag, :order_rule, :worker_rule, :affinity_wait_seconds,
        :reserve_seconds, :now, :updated_by)
    ON CONFLICT (tenant_id, tag) DO UPDATE
    SET order_rule = excluded.order_rule, worker_rule = excluded.worker_rule,
        affinity_wait_seconds = excluded.affinity_wait_seconds,
        reserve_seconds = excluded.reserve_seconds, updated_at = excluded.updated_at,
        updated_by = excluded.updated_by
"""  # noqa: S608 - constant names of columns
_WEIGHTS: Final = """
    SELECT tenant_id, weight FROM ready_lanes
    WHERE tag = :tag AND weight <> 1 ORDER BY tenant_id LIMIT :limit
"""
_EVEN: Final = "UPDATE ready_lanes SET weight = 1 WHERE tag = :tag AND weight <> 1"
_WEIGH: Final = """
    INSERT INTO ready_lanes (tenant_id, tag, weight) VALUES (:tenant, :tag, :weight)
    ON CONFLICT (tenant_id, tag) DO UPDATE SET weight = excluded.weight
"""
_REMOVE: Final = "DELETE FROM tag_strategies WHERE tenant_id = :installation AND tag = :tag"
_ASKS_BY_KEY: Final = """
    SELECT 1 FROM jobs WHERE tag = :tag AND worker_id IS NULL AND affinity_key IS NOT NULL LIMIT 1
"""
_ASKS_BY_NEED: Final = """
    SELECT 1 FROM jobs WHERE tag = :tag AND worker_id IS NULL AND spec_id IN (
        SELECT id FROM job_specs WHERE tag = :tag AND requires IS NOT NULL)
    LIMIT 1
"""
_TAGS: Final = """
    SELECT tag FROM worker_tags WHERE tenant_id = :installation ORDER BY tag LIMIT :limit
"""
_ANNOUNCE: Final = """
    INSERT INTO worker_tags (tenant_id, tag, announced_at) VALUES (:installation, :tag, :now)
    ON CONFLICT (tenant_id, tag) DO UPDATE SET announced_at = excluded.announced_at
"""


class StrategyRepository:
    """Strategies and weights by tag."""

    def all(self, tx: Tx) -> dict[str, Strategy]:
        """Return every strategy by its tag."""
        rows = tx.all(_ALL, installation=INSTALLATION, limit=strategies_max)
        return {row[0]: _strategy(row) for row in rows}

    def list(self, tx: Tx, after: str, limit: int) -> Sequence[Strategy]:
        """Return strategies by tag."""
        rows = tx.all(_LIST, installation=INSTALLATION, after=after, limit=limit)
        return [_strategy(row) for row in rows]

    def find(self, tx: Tx, tag: str) -> Strategy | None:
        """Return the strategy of a tag, if it has one of its own."""
        row = tx.one(_FIND, installation=INSTALLATION, tag=tag)
        return None if row is None else _strategy(row)

    def count(self, tx: Tx) -> int:
        """Return how many tags have a strategy of their own."""
        row = tx.one(_COUNT, installation=INSTALLATION)
        return int(row[0]) if row else 0

    def put(self, tx: Tx, strategy: Strategy, *, updated_by: str) -> None:
        """Keep a strategy."""
        tx.execute(
            _PUT,
            installation=INSTALLATION,
            tag=strategy.tag,
            order_rule=strategy.order.value,
            worker_rule=strategy.workers.value,
            affinity_wait_seconds=strategy.affinity_wait_seconds,
            reserve_seconds=strategy.reserve_seconds,
            updated_by=updated_by,
        )

    def weights(self, tx: Tx, tag: str) -> dict[str, int]:
        """Return the tenants whose weight under a tag is not 1."""
        return {row[0]: row[1] for row in tx.all(_WEIGHTS, tag=tag, limit=weights_max)}

    def weigh(self, tx: Tx, tag: str, weights: Mapping[str, int]) -> None:
        """Give tenants these weights under a tag, and 1 to all others."""
        tx.execute(_EVEN, tag=tag)
        rows: Iterable[dict[str, Any]] = (
            {"tenant": tenant, "tag": tag, "weight": weight} for tenant, weight in weights.items()
        )
        tx.execute_many(_WEIGH, rows)

    def remove(self, tx: Tx, tag: str) -> None:
        """Forget the strategy of a tag."""
        tx.execute(_REMOVE, installation=INSTALLATION, tag=tag)

    def asked(self, tx: Tx, tag: str) -> tuple[bool, bool]:
        """Return whether waiting jobs of a tag have an affinity key, and whether any needs more."""
        by_key = tx.one(_ASKS_BY_KEY, tag=tag) is not None
        return by_key, tx.one(_ASKS_BY_NEED, tag=tag) is not None

    def tags(self, tx: Tx) -> Sequence[str]:
        """Return the tags that workers have ever announced."""
        return [row[0] for row in tx.all(_TAGS, installation=INSTALLATION, limit=tags_max)]

    def announce(self, tx: Tx, tags: Iterable[str]) -> None:
        """Keep the tags that a worker takes."""
        rows = ({"installation": INSTALLATION, "tag": tag} for tag in sorted(set(tags)))
        tx.execute_many(_ANNOUNCE, rows)


def _strategy(row: Sequence[Any]) -> Strategy:
    tag, order, workers, affinity, reserve = row
    return Strategy(
        tag=tag,
        order=OrderRule(order),
        workers=WorkerRule(workers),
        affinity_wait_seconds=affinity,
        reserve_seconds=reserve,
    )
