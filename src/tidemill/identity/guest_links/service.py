"""What one can do with guest links, and who comes by them."""

from __future__ import annotations

from typing import Final

from tidemill.core.actor import Actor, ActorKind, Origin, Role
from tidemill.core.clock import MICROSECONDS_PER_SECOND, Clock, seconds_after
from tidemill.core.ids import INSTALLATION
from tidemill.core.keysets import after_text
from tidemill.core.pages import Page, PageRequest, page_of
from tidemill.core.ports import Database, Once, Tx
from tidemill.http.authentication import CHANGED_GUEST_LINK
from tidemill.identity.contract import (
    GuestLink,
    GuestLinkCreated,
    GuestLinkRevoked,
    NewGuestLink,
)
from tidemill.identity.credential_errors import TokenExpired, TokenMalformed, TokenRevoked
from tidemill.identity.guest_link_errors import GuestLinkNotFound
from tidemill.identity.guest_links.repository import GuestLinkRepository
from tidemill.identity.opaque import SecretKind, mint, presented
from tidemill.identity.users.models import valid_name

_DAY_SECONDS: Final = 86_400
touch_microseconds: Final = 60 * MICROSECONDS_PER_SECOND


class GuestLinkService:
    """See `GuestLinks`; the authenticator asks it for guests."""

    def __init__(self, control: Database, clock: Clock) -> None:
        self._control = control
        self._clock = clock
        self._links = GuestLinkRepository()

    async def create(
        self,
        project_id: str,
        name: str,
        *,
        expires_in_days: int,
        actor: Actor,
        once: Once[NewGuestLink] | None = None,
    ) -> NewGuestLink:
        """See `GuestLinks.create`."""
        label = valid_name(name)

        def use_case(tx: Tx) -> NewGuestLink:
            minted = mint(SecretKind.GUEST_LINK)
            link = GuestLink(
                tx.tenant_id,
                tx.new_id(),
                project_id,
                minted.prefix,
                label,
                actor.user_id or actor.id,
                tx.now,
                seconds_after(tx.now, expires_in_days * _DAY_SECONDS),
            )
            self._links.add(tx, link, minted.secret_hash)
            tx.record(
                GuestLinkCreated(
                    project_id=project_id, guest_link_id=link.id, name=label, user_id=actor.user_id
                ),
                by=actor,
            )
            after = {"guest_link_id": link.id, "name": label, "expires_at": link.expires_at}
            tx.audit(
                "identity.guest_links.create",
                by=actor,
                resource=f"project:{project_id}",
                after=after,
            )
            return NewGuestLink(link=link, text=minted.text)

        return await self._control.write(actor.tenant_id, use_case, once=once)

    async def list(self, project_id: str, page: PageRequest, *, actor: Actor) -> Page[GuestLink]:
        """See `GuestLinks.list`."""
        after = after_text(page) or ""

        def use_case(tx: Tx) -> list[GuestLink]:
            return self._links.page(tx, project_id, after=after, limit=page.limit_plus_one)

        found = await self._control.read(actor.tenant_id, use_case)
        return page_of(found, page, lambda link: (link.id,))

    async def revoke(self, project_id: str, link_id: str, *, actor: Actor) -> None:
        """See `GuestLinks.revoke`."""

        def use_case(tx: Tx) -> None:
            link = self._links.find(tx, project_id, link_id)
            if link is None:
                raise GuestLinkNotFound
            if not self._links.revoke(tx, link.id):
                return
            _tell_revoked(tx, link, by=actor)

        await self._control.write(actor.tenant_id, use_case)

    async def revoke_of(self, project_id: str, user_id: str, *, actor: Actor) -> None:
        """See `GuestLinks.revoke_of`."""
        await self._control.write(
            actor.tenant_id, lambda tx: revoke_links_of(tx, user_id, project_id, by=actor)
        )

    async def guest(self, text: str, origin: Origin) -> Actor:
        """Return who comes by a link: a viewer of its project and of nothing else.

        Raises `TokenMalformed`, `TokenRevoked` and `TokenExpired`.
        """
        shown = presented(SecretKind.GUEST_LINK, text)
        if shown is None:
            raise TokenMalformed
        # Read alone: who guesses links must not keep the store's one writer busy.
        found = await self._control.read(
            INSTALLATION, lambda tx: self._links.by_prefix(tx, shown.prefix)
        )
        if found is None or not shown.matches(found[1]) or found[0].revoked_at is not None:
            raise TokenRevoked
        link, now = found[0], self._clock.now()
        if link.expires_at <= now:
            raise TokenExpired
        if link.last_used_at is None or now - link.last_used_at > touch_microseconds:
            await self._control.write(link.tenant_id, lambda tx: self._links.touch(tx, link.id))
        return Actor(
            kind=ActorKind.GUEST,
            id=link.id,
            tenant_id=link.tenant_id,
            role=Role.VIEWER,
            project_id=link.project_id,
            origin=origin,
        )

    async def still_valid(self, actor: Actor) -> bool:
        """Return whether the link of a guest holds."""
        link = await self._control.read(actor.tenant_id, lambda tx: self._links.by_id(tx, actor.id))
        return link is not None and link.revoked_at is None and link.expires_at > self._clock.now()


def revoke_links_of(tx: Tx, user_id: str, project_id: str | None = None, *, by: Actor) -> None:
    """End the links that somebody made, of one project or of all of the tenant."""
    for link in GuestLinkRepository().revoke_all(tx, user_id, project_id):
        _tell_revoked(tx, link, by=by)


def _tell_revoked(tx: Tx, link: GuestLink, *, by: Actor) -> None:
    tx.record(
        GuestLinkRevoked(project_id=link.project_id, guest_link_id=link.id, user_id=by.user_id),
        by=by,
    )
    tx.audit(
        "identity.guest_links.revoke",
        by=by,
        resource=f"project:{link.project_id}",
        before={"guest_link_id": link.id, "name": link.name},
    )
    tx.invalidate(CHANGED_GUEST_LINK, link.id)
