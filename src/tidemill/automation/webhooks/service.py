"""What one can do with webhooks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from msgspec import structs

from tidemill.automation.contract import (
    WebhookCreated,
    WebhookDeleted,
    WebhookDisabled,
    WebhookId,
    WebhookSecretRotated,
    WebhookUpdated,
)
from tidemill.automation.errors import InvalidWebhook, TooManyWebhooks, WebhookNotFound
from tidemill.automation.webhooks.event_types import EventType, checked_patterns
from tidemill.automation.webhooks.models import (
    DisabledReason,
    NewWebhook,
    ShownSecret,
    Webhook,
    WebhookChanges,
    WebhookSecret,
    valid_description,
    valid_overlap,
    valid_url,
    webhooks_max,
)
from tidemill.automation.webhooks.repository import SecretRepository, WebhookRepository
from tidemill.automation.webhooks.signing import new_secret
from tidemill.board import ItemFilters
from tidemill.core.actor import Actor, system
from tidemill.core.calls import Caller
from tidemill.core.clock import seconds_after
from tidemill.core.ids import TenantId
from tidemill.core.keysets import after_text
from tidemill.core.pages import Page, PageRequest, page_of
from tidemill.core.ports import Database, Once, Tx
from tidemill.core.sealing import Sealed, Sealing
from tidemill.http import check_version

Wake = Callable[[TenantId], None]
"""Says that a tenant has something to send."""


class WebhookService:
    """Use cases of webhooks."""

    def __init__(
        self,
        tenants: Database,
        caller: Caller,
        filters: ItemFilters,
        secrets: Secrets,
        event_types: Sequence[EventType],
        wake: Wake,
    ) -> None:
        self.event_types = event_types
        self._tenants = tenants
        self._caller = caller
        self._filters = filters
        self._secrets = secrets
        self._wake = wake
        self._webhooks = WebhookRepository()

    async def create(
        self, new: NewWebhook, *, actor: Actor, once: Once[ShownSecret] | None = None
    ) -> ShownSecret:
        """Make a webhook; its secret is in the answer and nowhere else.

        Raises `InvalidWebhook`, `UnknownEventType`, `TooManyWebhooks`, `ProjectNotFound` and
        `InvalidFilter`.
        """
        url = self._url(new.url)
        events = " ".join(checked_patterns(new.events, self.event_types))
        description = valid_description(new.description)

        def use_case(tx: Tx) -> ShownSecret:
            if self._webhooks.count_alone(tx) >= webhooks_max:
                raise TooManyWebhooks(webhooks_max)
            by = actor.user_id or actor.id
            webhook = Webhook(
                id=WebhookId(tx.new_id()),
                url=url,
                events=events,
                project_id=self._project(tx, new.project),
                filter=self._filter(tx, new.filter, actor),
                description=description,
                active_since=tx.now if new.enabled else None,
                disabled_at=None if new.enabled else tx.now,
                disabled_reason=None if new.enabled else str(DisabledReason.BY_HAND),
                failing_since=None,
                version=1,
                created_at=tx.now,
                created_by=by,
                updated_at=tx.now,
                updated_by=by,
            )
            self._webhooks.add(tx, webhook)
            secret = self._secrets.add(tx, webhook.id)
            tx.record(WebhookCreated(webhook_id=webhook.id, host=webhook.host), by=actor)
            _audit(tx, "create", webhook, by=actor, after=webhook.told())
            return ShownSecret(webhook=webhook, secret=secret)

        return await self._tenants.write(actor.tenant_id, use_case, once=once)

    def types(self, page: PageRequest) -> Page[EventType]:
        """Return what webhooks can hear of, by name."""
        after = after_text(page) or ""
        rest = [one for one in self.event_types if one.name > after]
        return page_of(rest[: page.limit_plus_one], page, lambda one: (one.name,))

    async def get(self, webhook_id: str, *, actor: Actor) -> Webhook:
        """Return a webhook; raises `WebhookNotFound`."""
        return await self._tenants.read(
            actor.tenant_id, lambda tx: found(self._webhooks, tx, webhook_id)
        )

    async def list(self, page: PageRequest, *, actor: Actor) -> Page[Webhook]:
        """Return webhooks, oldest first."""
        after = after_text(page) or ""
        webhooks = await self._tenants.read(
            actor.tenant_id,
            lambda tx: self._webhooks.page(tx, after=after, limit=page.limit_plus_one),
        )
        return page_of(webhooks, page, lambda webhook: (webhook.id,))

    async def change(
        self,
        webhook_id: str,
        changes: WebhookChanges,
        expected_version: int | None,
        *,
        actor: Actor,
        once: Once[Webhook] | None = None,
    ) -> Webhook:
        """Change a webhook; raises what `create` does, and `VersionChanged`."""
        changes.check()

        def use_case(tx: Tx) -> Webhook:
            webhook = found(self._webhooks, tx, webhook_id, lock=True)
            check_version(webhook.version, expected_version)
            wanted = self._changed(tx, webhook, changes, actor)
            if wanted == webhook:
                return webhook
            saved = structs.replace(
                wanted,
                version=webhook.version + 1,
                updated_at=tx.now,
                updated_by=actor.user_id or actor.id,
            )
            if not self._webhooks.save(tx, saved):
                raise WebhookNotFound
            tx.record(WebhookUpdated(webhook_id=saved.id, host=saved.host), by=actor)
            _audit(tx, "update", saved, by=actor, before=webhook.told(), after=saved.told())
            tx.after_commit(partial(self._wake, actor.tenant_id))
            return saved

        return await self._tenants.write(actor.tenant_id, use_case, once=once)

    async def delete(self, webhook_id: str, expected_version: int | None, *, actor: Actor) -> None:
        """Delete a webhook with its log; raises `WebhookNotFound` and `VersionChanged`."""

        def use_case(tx: Tx) -> None:
            webhook = found(self._webhooks, tx, webhook_id, lock=True)
            check_version(webhook.version, expected_version)
            self._webhooks.remove(tx, webhook.id)
            tx.record(WebhookDeleted(webhook_id=webhook.id, host=webhook.host), by=actor)
            _audit(tx, "delete", webhook, by=actor, before=webhook.told())
            tx.after_commit(partial(self._wake, actor.tenant_id))

        await self._tenants.write(actor.tenant_id, use_case)

    async def rotate(
        self,
        webhook_id: str,
        overlap_seconds: int,
        *,
        actor: Actor,
        once: Once[ShownSecret] | None = None,
    ) -> ShownSecret:
        """Make a new secret; the one before signs, too, for `overlap_seconds`."""
        overlap = valid_overlap(overlap_seconds)

        def use_case(tx: Tx) -> ShownSecret:
            webhook = found(self._webhooks, tx, webhook_id, lock=True)
            secret = self._secrets.replace(tx, webhook.id, overlap)
            tx.record(WebhookSecretRotated(webhook_id=webhook.id, host=webhook.host), by=actor)
            _audit(tx, "rotate", webhook, by=actor, after={"overlap_seconds": overlap})
            return ShownSecret(webhook=webhook, secret=secret)

        return await self._tenants.write(actor.tenant_id, use_case, once=once)

    def _changed(self, tx: Tx, webhook: Webhook, changes: WebhookChanges, actor: Actor) -> Webhook:
        wanted = webhook
        if isinstance(changes.url, str):
            wanted = structs.replace(wanted, url=self._url(changes.url))
        if isinstance(changes.events, tuple):
            events = " ".join(checked_patterns(changes.events, self.event_types))
            wanted = structs.replace(wanted, events=events)
        if isinstance(changes.project, str | None):
            wanted = structs.replace(wanted, project_id=self._project(tx, changes.project))
        if isinstance(changes.filter, str | None):
            wanted = structs.replace(wanted, filter=self._filter(tx, changes.filter, actor))
        if isinstance(changes.description, str):
            wanted = structs.replace(wanted, description=valid_description(changes.description))
        if isinstance(changes.enabled, bool):
            wanted = (
                wanted.enabled_at(tx.now)
                if changes.enabled
                else wanted.disabled_for(DisabledReason.BY_HAND, tx.now)
            )
        return wanted

    def _url(self, text: str) -> str:
        url = valid_url(text)
        refusal = self._caller.refusal(url)
        if refusal is not None:
            raise InvalidWebhook("url", refusal)
        return url

    def _project(self, tx: Tx, reference: str | None) -> str | None:
        return None if reference is None else self._filters.project_id(tx, reference)

    def _filter(self, tx: Tx, text: str | None, actor: Actor) -> str | None:
        if not text:
            return None
        self._filters.check(tx, text, actor=actor)
        return text


class Secrets:
    """Makes and opens the secrets of webhooks, in the transaction of the caller."""

    def __init__(self, sealing: Sealing) -> None:
        self._sealing = sealing
        self._kept = SecretRepository()

    def add(self, tx: Tx, webhook_id: WebhookId) -> str:
        """Make a secret and return it."""
        plain = new_secret()
        self._kept.add(
            tx, self._sealed(tx, WebhookSecret(tx.new_id(), webhook_id, "", "", None), plain)
        )
        return plain

    def replace(self, tx: Tx, webhook_id: WebhookId, overlap_seconds: int) -> str:
        """Make a secret and return it; the one before is valid for `overlap_seconds` more."""
        self._kept.end(tx, webhook_id, seconds_after(tx.now, overlap_seconds))
        return self.add(tx, webhook_id)

    def valid(self, tx: Tx, webhook_id: WebhookId) -> tuple[str, ...]:
        """Return the secrets that sign now, the newest first; raises `SecretLocked`."""
        return tuple(self._opened(tx, one) for one in self._kept.valid(tx, webhook_id))

    def seal_again(self, tx: Tx, key_id: str, limit: int) -> int:
        """Seal secrets of former keys by the one in use; return how many there were."""
        found = self._kept.sealed_otherwise(tx, key_id, limit)
        for secret in found:
            self._kept.reseal(tx, self._sealed(tx, secret, self._opened(tx, secret)))
        return len(found)

    def _sealed(self, tx: Tx, secret: WebhookSecret, plain: str) -> WebhookSecret:
        sealed = self._sealing.seal(tx, secret.place, plain)
        return structs.replace(secret, value=sealed.text, key_id=sealed.key_id)

    def _opened(self, tx: Tx, secret: WebhookSecret) -> str:
        return self._sealing.open(tx, secret.place, Sealed(secret.value, secret.key_id))


def found(webhooks: WebhookRepository, tx: Tx, webhook_id: str, *, lock: bool = False) -> Webhook:
    """Return a webhook; raises `WebhookNotFound`."""
    webhook = webhooks.find(tx, webhook_id, lock=lock)
    if webhook is None:
        raise WebhookNotFound
    return webhook


def disable(tx: Tx, webhook: Webhook, reason: DisabledReason) -> None:
    """Disable `webhook` in the caller's transaction, without a person; a fact tells of it."""
    by = system("automation", tx.tenant_id)
    disabled = structs.replace(
        webhook.disabled_for(reason, tx.now),
        version=webhook.version + 1,
        updated_at=tx.now,
        updated_by=by.id,
    )
    if not webhook.enabled or not WebhookRepository().save(tx, disabled):
        return
    tx.record(WebhookDisabled(webhook_id=webhook.id, host=webhook.host, reason=str(reason)), by=by)
    _audit(tx, "disable", webhook, by=by, before=webhook.told(), after=disabled.told())


def _audit(
    tx: Tx, verb: str, webhook: Webhook, *, by: Actor, before: object = None, after: object = None
) -> None:
    tx.audit(
        f"automation.webhooks.{verb}",
        by=by,
        resource=f"webhook:{webhook.id}",
        before=before,
        after=after,
    )
