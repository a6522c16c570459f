"""The SQL of custom fields, and of what items have in them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

import msgspec

from tidemill.board.contract import ProjectId, WorkItemId
from tidemill.board.custom_field_facts import CustomFieldId
from tidemill.board.custom_fields.models import CustomField, FieldType, Rules, is_key
from tidemill.core.ports import Tx

_COLUMNS: Final = """
    SELECT f.id, f.project_id, f.key, f.name, f.field_type, f.help, f.is_required, f.default_value,
        f.rules, f.version, f.created_at, f.created_by, f.updated_at, f.updated_by
    FROM custom_fields AS f
"""
_BY_ID: Final = f"{_COLUMNS} WHERE f.tenant_id = :tenant_id AND f.id = :id"
# Those of a deleted project are hidden with it.
_REACHABLE: Final = """
    AND (f.project_id IS NULL OR EXISTS (
        SELECT 1 FROM projects AS p
        WHERE p.tenant_id = :tenant_id AND p.id = f.project_id AND p.deleted_at IS NULL
    ))
"""
_PAGE: Final = f"{_COLUMNS} WHERE f.tenant_id = :tenant_id AND f.id > :after {_REACHABLE}"
_OF_PROJECT: Final = " AND (f.project_id IS NULL OR f.project_id = :project_id)"
_PAGE_END: Final = " ORDER BY f.id LIMIT :limit"
# There may be one in each project: no more bounds their number.
_KEYED: Final = (
    f"{_COLUMNS} WHERE f.tenant_id = :tenant_id AND f.key = :key {_REACHABLE} ORDER BY f.id"
)
_AMONG: Final = {
    "sqlite": "f.key IN (SELECT value FROM json_each(:keys))",
    "postgres": "f.key IN (SELECT json_array_elements_text(CAST(:keys AS json)))",
}
_NAMED: Final = f"{_COLUMNS} WHERE f.tenant_id = :tenant_id {_OF_PROJECT} AND "
_DEMANDING: Final = "({} OR f.is_required = 1 OR f.default_value IS NOT NULL)"
_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended('custom_fields:' || :tenant_id, 0))"
_COUNT: Final = """
    SELECT count(*) FROM custom_fields
    WHERE tenant_id = :tenant_id AND COALESCE(project_id, '') = :scope
"""
# One of the whole tenant shares its items with those of every project.
_TWIN: Final = """
    SELECT 1 FROM custom_fields
    WHERE tenant_id = :tenant_id AND key = :key
        AND (:scope = '' OR project_id IS NULL OR project_id = :scope)
    LIMIT 1
"""
_INSERT: Final = """
    INSERT INTO custom_fields (tenant_id, id, project_id, key, name, field_type, help, is_required,
        default_value, rules, version, created_at, created_by, updated_at, updated_by)
    VALUES (:tenant_id, :id, :project_id, :key, :name, :field_type, :help, :is_required,
        :default_value, :rules, :version, :created_at, :created_by, :updated_at, :updated_by)
"""
_UPDATE: Final = """
    UPDATE custom_fields
    SET name = :name, help = :help, is_required = :is_required, default_value = :default_value,
        rules = :rules, version = :version, updated_at = :updated_at, updated_by = :updated_by
    WHERE tenant_id = :tenant_id AND id = :id AND version = :previous_version
"""
_USED: Final = """
    SELECT DISTINCT text_value FROM custom_field_values
    WHERE tenant_id = :tenant_id AND field_id = :field_id AND text_value IS NOT NULL
"""
_EMPTY: Final = {
    "sqlite": "NULLIF(json_remove(custom_values, '$.\"' || :field_id || '\"'), '{}')",
    "postgres": """
        NULLIF(CAST(CAST(custom_values AS jsonb) - CAST(:field_id AS text) AS text), '{}')""",
}
_FORGET: Final = """
    UPDATE work_items SET custom_values = {}
    WHERE tenant_id = :tenant_id AND custom_values IS NOT NULL AND id IN (
        SELECT work_item_id FROM custom_field_values
        WHERE tenant_id = :tenant_id AND field_id = :field_id
    )
"""
_DROP_VALUES: Final = """
    DELETE FROM custom_field_values WHERE tenant_id = :tenant_id AND field_id = :field_id
"""
_DELETE: Final = "DELETE FROM custom_fields WHERE tenant_id = :tenant_id AND id = :field_id"
_MEMBER: Final = """
    SELECT 1 FROM people
    WHERE tenant_id = :tenant_id AND user_id = :user_id AND state = 'active'
"""
_HOLD: Final = """
    UPDATE work_items SET custom_values = :custom_values WHERE tenant_id = :tenant_id AND id = :id
"""
_PUT: Final = """
    INSERT INTO custom_field_values (tenant_id, field_id, work_item_id, text_value, number_value)
    VALUES (:tenant_id, :field_id, :work_item_id, :text_value, :number_value)
    ON CONFLICT (tenant_id, work_item_id, field_id)
    DO UPDATE SET text_value = excluded.text_value, number_value = excluded.number_value
"""
_TAKE: Final = """
    DELETE FROM custom_field_values
    WHERE tenant_id = :tenant_id AND work_item_id = :work_item_id AND field_id = :field_id
"""

Indexed = tuple[WorkItemId, str, int | str]
"""An item, a field, and by what its value is found."""


class CustomFieldRepository:
    """Custom fields of a tenant."""

    def lock_keys(self, tx: Tx) -> None:
        """Let nobody else make fields until the transaction ends."""
        # SQLite has one writer at a time.
        if tx.dialect == "postgres":
            tx.one(_LOCK)

    def count(self, tx: Tx, project_id: ProjectId | None) -> int:
        """Return how many fields a project has of its own, or the whole tenant."""
        row = tx.one(_COUNT, scope=project_id or "")
        return int(row[0]) if row else 0

    def has_twin(self, tx: Tx, key: str, project_id: ProjectId | None) -> bool:
        """Return whether items that had a field of this scope have one with the key."""
        return tx.one(_TWIN, key=key, scope=project_id or "") is not None

    def add(self, tx: Tx, field: CustomField) -> None:
        """Insert `field`."""
        tx.execute(
            _INSERT,
            id=field.id,
            project_id=field.project_id,
            key=field.key,
            name=field.name,
            field_type=field.field_type.value,
            help=field.help,
            is_required=int(field.is_required),
            default_value=field.default,
            rules=_json(field.rules),
            version=field.version,
            created_at=field.created_at,
            created_by=field.created_by,
            updated_at=field.updated_at,
            updated_by=field.updated_by,
        )

    def find(self, tx: Tx, field_id: str, *, lock: bool = False) -> CustomField | None:
        """Return a field; with `lock` nobody writes it, or its values, before the end."""
        suffix = " FOR UPDATE" if lock and tx.dialect == "postgres" else ""
        row = tx.one(_BY_ID + suffix, id=field_id)
        return _field(row) if row else None

    def page(
        self, tx: Tx, *, project_id: ProjectId | None, after: str | None, limit: int
    ) -> list[CustomField]:
        """Return fields, oldest first; of a project: those that its items have."""
        condition = "" if project_id is None else _OF_PROJECT
        given = {} if project_id is None else {"project_id": project_id}
        rows = tx.all(_PAGE + condition + _PAGE_END, after=after or "", limit=limit, **given)
        return [_field(row) for row in rows]

    def keyed(self, tx: Tx, key: str) -> list[CustomField]:
        """Return the fields with a key, of the tenant and of its projects."""
        return [_field(row) for row in tx.all(_KEYED, key=key)]

    def named(
        self,
        tx: Tx,
        project_id: ProjectId,
        keys: Collection[str],
        *,
        demanding: bool = False,
        lock: bool = True,
    ) -> list[CustomField]:
        """Return fields of a project's items; with `lock` they stay until the transaction ends.

        With `demanding` also those that new items have by themselves, or must have.
        """
        among = _AMONG[tx.dialect]
        condition = _DEMANDING.format(among) if demanding else among
        suffix = " FOR SHARE OF f" if lock and tx.dialect == "postgres" else ""
        sql = f"{_NAMED}{condition} ORDER BY f.id{suffix}"
        encoded = msgspec.json.encode(sorted(filter(is_key, keys))).decode()
        return [_field(row) for row in tx.all(sql, project_id=project_id, keys=encoded)]

    def save(self, tx: Tx, field: CustomField) -> bool:
        """Write the next version; return False when the stored one is not its predecessor."""
        changed = tx.execute(
            _UPDATE,
            id=field.id,
            previous_version=field.version - 1,
            name=field.name,
            help=field.help,
            is_required=int(field.is_required),
            default_value=field.default,
            rules=_json(field.rules),
            version=field.version,
            updated_at=field.updated_at,
            updated_by=field.updated_by,
        )
        return changed == 1

    def used(self, tx: Tx, field_id: CustomFieldId) -> set[str]:
        """Return the values that items have in a field of choices."""
        return {row[0] for row in tx.all(_USED, field_id=field_id)}

    def delete(self, tx: Tx, field_id: CustomFieldId) -> None:
        """Delete a field and all that items have in it; their versions stay."""
        tx.execute(_FORGET.format(_EMPTY[tx.dialect]), field_id=field_id)
        tx.execute(_DROP_VALUES, field_id=field_id)
        tx.execute(_DELETE, field_id=field_id)

    def is_member(self, tx: Tx, user_id: str) -> bool:
        """Return whether somebody is an active member of the tenant."""
        return tx.one(_MEMBER, user_id=user_id) is not None

    def hold(self, tx: Tx, item_id: WorkItemId, custom_values: str | None) -> None:
        """Write what an item has, as its lists read it."""
        tx.execute(_HOLD, id=item_id, custom_values=custom_values)

    def put(self, tx: Tx, values: Iterable[Indexed]) -> None:
        """Write by what values are found."""
        tx.execute_many(_PUT, map(_indexed, values))

    def take(self, tx: Tx, item_id: WorkItemId, field_ids: Iterable[str]) -> None:
        """Let an item be found by its values in some fields no more."""
        tx.execute_many(_TAKE, [{"work_item_id": item_id, "field_id": id_} for id_ in field_ids])


def _field(row: Sequence[Any]) -> CustomField:
    field_type, help_, is_required, default, rules = row[4:9]
    said = (FieldType(field_type), help_, bool(is_required), default)
    columns = (*row[:4], *said, msgspec.json.decode(rules, type=Rules), *row[9:])
    return CustomField(*columns)


def _json(rules: Rules) -> str:
    return msgspec.json.encode(rules).decode()


def _indexed(value: Indexed) -> dict[str, str | int | None]:
    item_id, field_id, at = value
    return {
        "work_item_id": item_id,
        "field_id": field_id,
        "text_value": at if isinstance(at, str) else None,
        "number_value": at if isinstance(at, int) else None,
    }
