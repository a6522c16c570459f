"""Mail through an SMTP server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

import aiosmtplib
from msgspec import Struct

from tidemill.core.clock import Clock
from tidemill.core.ports import Mail, MailNotSent
from tidemill.infrastructure.mail.messages import message_of

leave_seconds_max: Final = 5.0
_TEMPORARY: Final = range(400, 500)


class SmtpServer(Struct, frozen=True, kw_only=True):
    """Where mail is handed in; `security` is `starttls`, `tls` or `none`."""

    host: str
    port: int
    security: str = "starttls"
    user: str = ""
    password: str = ""
    seconds_max: float = 15


class SmtpMailer:
    """See `Mailer`. Each message has a connection of its own."""

    def __init__(self, server: SmtpServer, *, sender: str, clock: Clock) -> None:
        self._server = server
        self._sender = sender
        self._clock = clock

    async def send(self, mail: Mail) -> None:
        """See `Mailer.send`."""
        message = message_of(mail, sender=self._sender, clock=self._clock)
        try:
            await self._talk(lambda smtp: smtp.send_message(message))
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise MailNotSent(self._reason(error)) from error

    async def check(self) -> str | None:
        """Return why the mail server cannot be used right now, or None."""
        try:
            await self._talk(lambda smtp: smtp.noop())
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            return self._reason(error)
        return None

    async def _talk(self, say: Callable[[aiosmtplib.SMTP], Awaitable[object]]) -> None:
        smtp = self._connection()
        try:
            async with asyncio.timeout(self._server.seconds_max):
                await smtp.connect()
                await say(smtp)
            # What the server has taken is sent, however it takes leave: not to be sent once more.
            with suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
                async with asyncio.timeout(leave_seconds_max):
                    await smtp.quit()
        finally:
            smtp.close()

    def _connection(self) -> aiosmtplib.SMTP:
        server = self._server
        return aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            use_tls=server.security == "tls",
            start_tls=server.security == "starttls",
            username=server.user or None,
            password=server.password or None,
            timeout=server.seconds_max,
        )

    def _reason(self, error: Exception) -> str:
        where = f"{self._server.host}:{self._server.port}"
        if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
            return f"The mail server {where} refused the recipient."
        if isinstance(error, aiosmtplib.SMTPAuthenticationError):
            return f"The mail server {where} refused mail.smtp_user and mail.smtp_password."
        if isinstance(error, aiosmtplib.SMTPResponseException):
            later = "; try again later" if error.code in _TEMPORARY else ""
            return f"The mail server {where} refused the message with {error.code}{later}."
        return f"The mail server {where} cannot be reached ({type(error).__name__})."
