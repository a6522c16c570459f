"""Keeps the tenants of a shared schema apart by row-level security."""

from __future__ import annotations

from typing import Any, Final

_EXEMPT: Final = frozenset({"schema_migrations"})

_TABLES: Final = """
    SELECT c.relname,
           EXISTS (SELECT 1 FROM pg_attribute a
                   WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND NOT c.relforcerowsecurity
    ORDER BY c.relname
"""
# Whoever is bound by no row-level security sees all rows as it is.
_FORCED: Final = """
    SELECT c.relname
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_roles r ON r.oid = c.relowner AND r.rolname = current_user
    WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND c.relforcerowsecurity
        AND NOT (r.rolsuper OR r.rolbypassrls)
    ORDER BY c.relname
"""


class UnprotectedTable(RuntimeError):
    """A table in the shared schema has no `tenant_id`, so nothing could keep tenants apart."""


async def show_to_owner(connection: Any, schema: str) -> None:
    """Let a migration change the rows of all tenants; `protect` ends it in the same transaction.

    Others cannot read the tables meanwhile: what is altered stays locked until the end.
    """
    for (table,) in await connection.fetch(_FORCED, schema):
        await connection.execute(f'ALTER TABLE "{schema}"."{table}" NO FORCE ROW LEVEL SECURITY')


async def protect(connection: Any, schema: str, role: str) -> None:
    """Put the new tables of `schema` under a policy, and let `role` use them so."""
    for table, has_tenant in await connection.fetch(_TABLES, schema):
        if table in _EXEMPT:
            continue
        if not has_tenant:
            raise UnprotectedTable(f"The table {table} of {schema} has no column tenant_id.")
        name = f'"{schema}"."{table}"'
        await connection.execute(
            f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY;"
            f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY;"
            f"DROP POLICY IF EXISTS tenant_isolation ON {name};"
            f"CREATE POLICY tenant_isolation ON {name}"
            " USING (tenant_id = current_setting('tidemill.tenant_id', true))"
            " WITH CHECK (tenant_id = current_setting('tidemill.tenant_id', true));"
            f'GRANT SELECT, INSERT, UPDATE, DELETE ON {name} TO "{role}"'
        )
    await connection.execute(
        f'GRANT USAGE ON SCHEMA "{schema}" TO "{role}";'
        f'GRANT USAGE ON ALL SEQUENCES IN SCHEMA "{schema}" TO "{role}"'
    )


async def ensure_role(connection: Any, role: str) -> str:
    """Return the role whose rights transactions in the shared schema have.

    A login that row-level security does not bind changes to `role`, which has no rights of its
    own; any other login serves as it is.
    """
    login, unbound = await connection.fetchrow(
        "SELECT rolname, rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
    )
    if not unbound:
        return str(login)
    async with connection.transaction():
        await connection.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"role:{role}"
        )
        exists = await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role)
        if not exists:
            await connection.execute(f'CREATE ROLE "{role}" NOLOGIN NOBYPASSRLS NOSUPERUSER')
    return role
