"""Sends mail that is due; a service of each process that dispatches."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

import structlog

from tidemill.board.notification_mails.letters import letter
from tidemill.board.notification_mails.models import Parcel, Waiting, unsubscribe_token
from tidemill.board.notification_mails.service import Mailing
from tidemill.core.errors import TidemillError
from tidemill.core.ids import TenantId, UserId
from tidemill.core.ports import Mailer, StoreKind
from tidemill.events import Progress
from tidemill.identity import Contact, Contacts

log = structlog.get_logger(__name__)

look_seconds: Final = 5.0
turn_seconds_max: Final = 20.0
tenants_at_once_max: Final = 8
stop_seconds_max: Final = 3.0
arrange_seconds: Final = 10.0


async def _nobody(tenant_id: TenantId) -> None:
    """Remind nobody."""
    del tenant_id


class MailSender:
    """Looks every few seconds at the tenants whose marks are due, several at a time."""

    def __init__(
        self,
        mailing: Mailing,
        mailer: Mailer,
        contacts: Contacts,
        *,
        holder: str,
        public_url: str,
        remind: Callable[[TenantId], Awaitable[None]] = _nobody,
    ) -> None:
        self._mailing = mailing
        self._mailer = mailer
        self._contacts = contacts
        self._holder = holder
        self._public_url = public_url
        self._remind = remind
        self._places = asyncio.Semaphore(tenants_at_once_max)
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        self.sent = 0
        self.failed = 0

    async def start(self) -> None:
        """Begin with what an earlier process left."""
        self._task = asyncio.create_task(self._look_for_ever(), name="notification-mails")

    async def stop(self) -> None:
        """Finish the mails that are under way, within three seconds; others go out later."""
        task, self._task = self._task, None
        if task is None:
            return
        self._stopping.set()
        await asyncio.wait([task], timeout=stop_seconds_max)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def look(self) -> None:
        """Serve the tenants whose marks are due."""
        due = await self._mailing.tenants_due()
        ends = await asyncio.gather(*map(self._serve, due), return_exceptions=True)
        for tenant_id, end in zip(due, ends, strict=True):
            if isinstance(end, Exception):
                log.error("mails.tenant.not_postponed", tenant_id=tenant_id, exc_info=end)

    async def send_due(self, tenant_id: TenantId) -> None:
        """Send what is due in a tenant, for a while at most."""
        stop_at = time.monotonic() + turn_seconds_max
        for waiting in await self._mailing.due(tenant_id):
            if self._stopping.is_set() or time.monotonic() > stop_at:
                return
            await self._send(tenant_id, waiting)

    async def _serve(self, tenant_id: TenantId) -> None:
        async with self._places:
            try:
                await self._remind(tenant_id)
                await self.send_due(tenant_id)
                await self._mailing.sweep(tenant_id)
                await self._mailing.arrange(tenant_id)
            except TidemillError as error:
                # Its store is away or suspended; others must not wait for it.
                log.warning("mails.tenant.failed", tenant_id=tenant_id, reason=error.message)
                await self._mailing.postpone(tenant_id)
            except Exception:
                log.exception("mails.tenant.broke", tenant_id=tenant_id)
                await self._mailing.postpone(tenant_id)

    async def _send(self, tenant_id: TenantId, waiting: Waiting) -> None:
        contact = await self._contacts.contact(tenant_id, UserId(waiting.user_id))
        parcel = await self._mailing.claim(tenant_id, waiting.id, contact, self._holder)
        if parcel is None or contact is None:
            return
        problem = await self._attempt(tenant_id, parcel, contact)
        await self._mailing.ended(tenant_id, parcel, self._holder, problem)
        self.sent += problem is None
        self.failed += problem is not None

    async def _attempt(self, tenant_id: TenantId, parcel: Parcel, contact: Contact) -> str | None:
        """Return why the mail could not be handed over, None when it was."""
        waiting = parcel.waiting
        token = unsubscribe_token(tenant_id, waiting.user_id, parcel.key)
        mail = letter(
            contact,
            parcel.lines,
            more=parcel.more,
            kind=waiting.kind,
            mail_id=waiting.id,
            link=f"{self._public_url}/unsubscribe?token={token}",
        )
        try:
            await self._mailer.send(mail)
        except TidemillError as error:
            log.warning("mails.not_sent", tenant_id=tenant_id, mail_id=waiting.id, code=error.code)
            return error.message
        except Exception as error:
            # One mail that no mailer can hand over must not keep back those of others.
            log.exception("mails.not_sent", tenant_id=tenant_id, mail_id=waiting.id)
            return f"The mailer broke: {type(error).__name__}."
        return None

    async def _look_for_ever(self) -> None:
        while not self._stopping.is_set():
            try:
                await self.look()
            except TidemillError as error:
                log.warning("mails.look.failed", reason=error.message)
            except Exception:
                log.exception("mails.look.broke")
            with suppress(TimeoutError):
                async with asyncio.timeout(look_seconds):
                    await self._stopping.wait()


class MailDrain:
    """Arranges when a tenant has mail to send, before its store counts as delivered.

    A store counts as undelivered until it is settled: what was planned before a crash is looked
    for after it, and what has to wait longer has its mark by then.
    """

    name: Final = "notification_mails"
    kinds: Final = frozenset({StoreKind.TENANT})
    delay_seconds: Final = 0.5

    def __init__(self, mailing: Mailing) -> None:
        self._mailing = mailing
        self._arranged: dict[TenantId, float] = {}

    async def drain(self, kind: StoreKind, tenant_id: TenantId) -> Progress:
        """Arrange now and then where a store is never quiet."""
        del kind
        now = time.monotonic()
        since = self._arranged.setdefault(tenant_id, now)
        if now - since >= arrange_seconds:
            self._arranged[tenant_id] = now
            await self._mailing.arrange(tenant_id)
        return Progress(found=False)

    async def settle(self, kind: StoreKind, tenant_id: TenantId) -> None:
        """Mark what waits."""
        del kind
        self._arranged.pop(tenant_id, None)
        await self._mailing.arrange(tenant_id)
