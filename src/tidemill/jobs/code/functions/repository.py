"""The SQL of functions. They belong to the installation, so that is their tenant."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from tidemill.core.ports import Tx
from tidemill.jobs.protocol.messages import RegisteredFunction

functions_named_max: Final = 1_000

_KEEP: Final = """
    INSERT INTO functions (tenant_id, name, definition, seen_at)
    VALUES (:tenant_id, :name, :definition, :now)
    ON CONFLICT (tenant_id, name) DO UPDATE
    SET definition = excluded.definition, seen_at = excluded.seen_at
"""
_FIND: Final = """
    SELECT definition FROM functions WHERE tenant_id = :tenant_id AND name = :name
"""
_NAMES: Final = """
    SELECT name FROM functions WHERE tenant_id = :tenant_id ORDER BY name LIMIT :limit
"""
_LIST: Final = """
    SELECT definition FROM functions
    WHERE tenant_id = :tenant_id AND name > :after ORDER BY name LIMIT :limit
"""
_FORGET_FACTS: Final = "DELETE FROM outbox"
_FORGET_AUDIT: Final = "DELETE FROM audit_outbox"


class FunctionRepository:
    """Functions; each method needs a transaction of the installation."""

    def keep(self, tx: Tx, functions: Iterable[RegisteredFunction]) -> None:
        """Write what a worker says of its functions."""
        tx.execute_many(
            _KEEP,
            (
                {"name": function.name, "definition": msgspec.json.encode(function).decode()}
                for function in functions
            ),
        )

    def find(self, tx: Tx, name: str) -> RegisteredFunction | None:
        """Return the function with this name."""
        row = tx.one(_FIND, name=name)
        return _function(row[0]) if row else None

    def names(self, tx: Tx) -> list[str]:
        """Return the names of functions, for the nearest one to a wrong one."""
        return [row[0] for row in tx.all(_NAMES, limit=functions_named_max)]

    def list(self, tx: Tx, after: str, limit: int) -> list[RegisteredFunction]:
        """Return functions by name."""
        return [_function(row[0]) for row in tx.all(_LIST, after=after, limit=limit)]

    def forget_facts(self, tx: Tx) -> None:
        """Delete facts and audit lines of a queue that nobody follows."""
        tx.execute(_FORGET_FACTS)
        tx.execute(_FORGET_AUDIT)


def _function(definition: str) -> RegisteredFunction:
    return msgspec.json.decode(definition, type=RegisteredFunction)
