"""Mail as files, where no server is set: for development, and for reading what would go out."""

from __future__ import annotations

import asyncio
import os
from email.message import EmailMessage
from pathlib import Path

from tidemill.core.clock import Clock, to_datetime
from tidemill.core.ports import Mail, MailNotSent
from tidemill.infrastructure.mail.messages import message_of


class FileMailer:
    """See `Mailer`. Each message is a file `INSTANT-NUMBER.eml`, readable by its owner only."""

    def __init__(self, directory: Path, *, sender: str, clock: Clock) -> None:
        self._directory = directory
        self._sender = sender
        self._clock = clock
        self._number = 0

    async def send(self, mail: Mail) -> None:
        """See `Mailer.send`."""
        message = message_of(mail, sender=self._sender, clock=self._clock)
        self._number += 1
        at = to_datetime(self._clock.now()).strftime("%Y%m%dT%H%M%S.%f")
        name = f"{at}-{os.getpid()}-{self._number}.eml"
        try:
            await asyncio.to_thread(_write, self._directory / name, message)
        except OSError as error:
            raise MailNotSent(f"{self._directory} cannot be written: {error.strerror}.") from error

    async def check(self) -> str | None:
        """Return why the directory cannot be used right now, or None."""
        if self._directory.is_dir() and not os.access(self._directory, os.W_OK):
            return f"{self._directory} cannot be written."
        return None


def _write(path: Path, message: EmailMessage) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Renamed when complete: whoever reads the directory never sees half a message.
    draft = path.with_suffix(".part")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(message.as_bytes())
    draft.rename(path)
