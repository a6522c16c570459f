"""The SQL of webhooks and their secrets."""

from __future__ import annotations

from typing import Final

from tidemill.automation.contract import WebhookId
from tidemill.automation.webhooks.models import Webhook, WebhookSecret
from tidemill.core.clock import Instant
from tidemill.core.ports import Tx

_COLUMNS: Final = """
    SELECT id, url, events, project_id, filter, description, active_since, disabled_at,
        disabled_reason, failing_since, version, created_at, created_by, updated_at, updated_by
    FROM webhooks
"""
_BY_ID: Final = _COLUMNS + "WHERE tenant_id = :tenant_id AND id = :id AND deleted_at IS NULL"
_PAGE: Final = _COLUMNS + (
    "WHERE tenant_id = :tenant_id AND id > :after AND deleted_at IS NULL ORDER BY id LIMIT :limit"
)
_ACTIVE: Final = _COLUMNS + (
    "WHERE tenant_id = :tenant_id AND active_since IS NOT NULL ORDER BY id LIMIT :limit"
)
_ANY_ACTIVE: Final = (
    "SELECT 1 FROM webhooks WHERE tenant_id = :tenant_id AND active_since IS NOT NULL LIMIT 1"
)
_LOCK_COUNT: Final = "SELECT pg_advisory_xact_lock(hashtextextended('webhooks:' || :tenant_id, 0))"
_COUNT: Final = "SELECT count(*) FROM webhooks WHERE tenant_id = :tenant_id AND deleted_at IS NULL"
_INSERT: Final = """
    INSERT INTO webhooks (tenant_id, id, url, events, project_id, filter, description,
        active_since, disabled_at, disabled_reason, failing_since, version, created_at, created_by,
        updated_at, updated_by)
    VALUES (:tenant_id, :id, :url, :events, :project_id, :filter, :description,
        :active_since, :disabled_at, :disabled_reason, :failing_since, :version, :created_at,
        :created_by, :updated_at, :updated_by)
"""
_UPDATE: Final = """
    UPDATE webhooks
    SET url = :url, events = :events, project_id = :project_id, filter = :filter,
        description = :description, active_since = :active_since, disabled_at = :disabled_at,
        disabled_reason = :disabled_reason, failing_since = :failing_since, version = :version,
        updated_at = :updated_at, updated_by = :updated_by
    WHERE tenant_id = :tenant_id AND id = :id AND version = :previous_version
        AND deleted_at IS NULL
"""
_FAILING: Final = """
    UPDATE webhooks SET failing_since = :failing_since
    WHERE tenant_id = :tenant_id AND id = :id
"""
_DELETE: Final = """
    UPDATE webhooks SET deleted_at = :now, active_since = NULL
    WHERE tenant_id = :tenant_id AND id = :id
"""
_SEALED: Final = "SELECT id, webhook_id, value, key_id, valid_until FROM webhook_secrets\n"
_VALID: Final = (
    _SEALED
    + """
    WHERE tenant_id = :tenant_id AND webhook_id = :webhook_id
        AND (valid_until IS NULL OR valid_until > :now)
    ORDER BY id DESC LIMIT 2
"""
)
_SEALED_OTHERWISE: Final = _SEALED + (
    "WHERE tenant_id = :tenant_id AND key_id <> :key_id ORDER BY id LIMIT :limit"
)
_ADD_SEALED: Final = """
    INSERT INTO webhook_secrets (tenant_id, id, webhook_id, value, key_id, valid_until)
    VALUES (:tenant_id, :id, :webhook_id, :value, :key_id, :valid_until)
"""
_END_SECRETS: Final = """
    UPDATE webhook_secrets SET valid_until = :until
    WHERE tenant_id = :tenant_id AND webhook_id = :webhook_id AND valid_until IS NULL
"""
_REMOVE_ENDED: Final = """
    DELETE FROM webhook_secrets
    WHERE tenant_id = :tenant_id AND webhook_id = :webhook_id AND valid_until IS NOT NULL
"""
_RESEAL: Final = """
    UPDATE webhook_secrets SET value = :value, key_id = :key_id
    WHERE tenant_id = :tenant_id AND id = :id
"""
_active_max: Final = 1000


class WebhookRepository:
    """Webhooks of a tenant, without those that are deleted."""

    def find(self, tx: Tx, webhook_id: str, *, lock: bool = False) -> Webhook | None:
        """Return a webhook; with `lock` nobody else changes it before this transaction ends."""
        suffix = " FOR UPDATE" if lock and tx.dialect == "postgres" else ""
        row = tx.one(_BY_ID + suffix, id=webhook_id)
        return Webhook(*row) if row else None

    def page(self, tx: Tx, *, after: str, limit: int) -> list[Webhook]:
        """Return webhooks, oldest first."""
        return [Webhook(*row) for row in tx.all(_PAGE, after=after, limit=limit)]

    def active(self, tx: Tx) -> list[Webhook]:
        """Return the webhooks that are enabled."""
        return [Webhook(*row) for row in tx.all(_ACTIVE, limit=_active_max)]

    def any_active(self, tx: Tx) -> bool:
        """Return whether one is enabled."""
        return tx.one(_ANY_ACTIVE) is not None

    def count_alone(self, tx: Tx) -> int:
        """Return how many there are; nobody else counts before this transaction ends."""
        # SQLite has one writer at a time.
        if tx.dialect == "postgres":
            tx.one(_LOCK_COUNT)
        row = tx.one(_COUNT)
        return int(row[0]) if row else 0

    def add(self, tx: Tx, webhook: Webhook) -> None:
        """Insert `webhook`."""
        tx.execute(
            _INSERT,
            id=webhook.id,
            url=webhook.url,
            events=webhook.events,
            project_id=webhook.project_id,
            filter=webhook.filter,
            description=webhook.description,
            active_since=webhook.active_since,
            disabled_at=webhook.disabled_at,
            disabled_reason=webhook.disabled_reason,
            failing_since=webhook.failing_since,
            version=webhook.version,
            created_at=webhook.created_at,
            created_by=webhook.created_by,
            updated_at=webhook.updated_at,
            updated_by=webhook.updated_by,
        )

    def save(self, tx: Tx, webhook: Webhook) -> bool:
        """Write the next version; return False when the stored one is not its predecessor."""
        changed = tx.execute(
            _UPDATE,
            id=webhook.id,
            url=webhook.url,
            events=webhook.events,
            project_id=webhook.project_id,
            filter=webhook.filter,
            description=webhook.description,
            active_since=webhook.active_since,
            disabled_at=webhook.disabled_at,
            disabled_reason=webhook.disabled_reason,
            failing_since=webhook.failing_since,
            version=webhook.version,
            previous_version=webhook.version - 1,
            updated_at=webhook.updated_at,
            updated_by=webhook.updated_by,
        )
        return changed == 1

    def set_failing(self, tx: Tx, webhook_id: WebhookId, since: Instant | None) -> None:
        """Keep since when nothing but failures has come."""
        tx.execute(_FAILING, id=webhook_id, failing_since=since)

    def remove(self, tx: Tx, webhook_id: WebhookId) -> None:
        """Delete a webhook; its log and secrets go a little later."""
        tx.execute(_DELETE, id=webhook_id)


class SecretRepository:
    """The secrets of webhooks, sealed."""

    def valid(self, tx: Tx, webhook_id: WebhookId) -> list[WebhookSecret]:
        """Return the secrets that sign now, the newest first."""
        return [WebhookSecret(*row) for row in tx.all(_VALID, webhook_id=webhook_id)]

    def add(self, tx: Tx, secret: WebhookSecret) -> None:
        """Insert `secret`."""
        tx.execute(
            _ADD_SEALED,
            id=secret.id,
            webhook_id=secret.webhook_id,
            value=secret.value,
            key_id=secret.key_id,
            valid_until=secret.valid_until,
        )

    def end(self, tx: Tx, webhook_id: WebhookId, until: Instant) -> None:
        """Let the newest secret be valid until then, and none that is older any more."""
        tx.execute(_REMOVE_ENDED, webhook_id=webhook_id)
        tx.execute(_END_SECRETS, webhook_id=webhook_id, until=until)

    def sealed_otherwise(self, tx: Tx, key_id: str, limit: int) -> list[WebhookSecret]:
        """Return secrets that another key than this one seals."""
        rows = tx.all(_SEALED_OTHERWISE, key_id=key_id, limit=limit)
        return [WebhookSecret(*row) for row in rows]

    def reseal(self, tx: Tx, secret: WebhookSecret) -> None:
        """Keep the same secret, sealed anew."""
        tx.execute(_RESEAL, id=secret.id, value=secret.value, key_id=secret.key_id)
