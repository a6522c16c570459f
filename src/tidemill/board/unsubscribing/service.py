"""What a link in a mail can do: end mail, and nothing else."""

from __future__ import annotations

from msgspec import structs

from tidemill.board.notification_errors import UnsubscribeLinkInvalid
from tidemill.board.notification_mails.models import is_signed, token_place
from tidemill.board.notification_mails.repository import MailRepository
from tidemill.board.notification_preferences.repository import PreferenceRepository
from tidemill.board.texts import is_uuid
from tidemill.core.actor import Actor, ActorKind
from tidemill.core.ids import TenantId, UserId
from tidemill.core.ports import Database, Tx
from tidemill.core.store_errors import TenantNotFound


class Unsubscribing:
    """Use cases of whoever holds a link that came by mail."""

    def __init__(self, tenants: Database) -> None:
        self._tenants = tenants
        self._mails = MailRepository()
        self._preferences = PreferenceRepository()

    async def check(self, token: str) -> None:
        """Return when the link is one of ours; raises `UnsubscribeLinkInvalid`."""
        place = _place(token)

        def use_case(tx: Tx) -> None:
            self._check(tx, place)

        try:
            await self._tenants.read(TenantId(place[0]), use_case)
        except TenantNotFound as error:
            raise UnsubscribeLinkInvalid from error

    async def stop(self, token: str) -> None:
        """Send the member no mail of this tenant's notifications any more; safe to repeat."""
        # A read first: whoever guesses makes no store write.
        await self.check(token)
        place = _place(token)
        tenant_id, user_id = TenantId(place[0]), UserId(place[1])

        def use_case(tx: Tx) -> None:
            self._check(tx, place)
            profile = self._preferences.profile(tx, user_id, lock=True)
            if profile.mail_stopped_at is not None:
                return
            version = profile.version + 1
            self._preferences.save(
                tx, user_id, structs.replace(profile, mail_stopped_at=tx.now, version=version)
            )
            tx.audit(
                "board.notification_preferences.unsubscribe",
                by=Actor(kind=ActorKind.USER, id=user_id, tenant_id=tenant_id, user_id=user_id),
                resource=f"user:{user_id}",
                before={"is_mail_stopped": False},
                after={"is_mail_stopped": True},
                detail="by the link in a mail",
            )

        await self._tenants.write(tenant_id, use_case)

    def _check(self, tx: Tx, place: tuple[str, str, str]) -> None:
        key = self._mails.key(tx, place[1])
        if key is None or not is_signed(place, key):
            raise UnsubscribeLinkInvalid


def _place(token: str) -> tuple[str, str, str]:
    place = token_place(token)
    if place is None or not is_uuid(place[0]) or not is_uuid(place[1]):
        raise UnsubscribeLinkInvalid
    return place
