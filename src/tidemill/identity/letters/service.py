"""Sends mail beside the requests, from the control store: a letter outlives process and outage."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

import msgspec
import structlog
from msgspec import structs

from tidemill.core.clock import Instant, seconds_after
from tidemill.core.errors import TidemillError
from tidemill.core.ids import INSTALLATION
from tidemill.core.ports import Database, Mail, Mailer, Tx
from tidemill.identity.letters.models import Waiting, attempts_max, retry_seconds
from tidemill.identity.letters.repository import LetterRepository
from tidemill.identity.sealing import SealedOtherwise, seal, unseal

log = structlog.get_logger(__name__)

_PURPOSE: Final = "letters v1"
_at_once_max: Final = 20
look_seconds: Final = 15.0
claim_seconds_spare: Final = 60.0
"""How much longer than an attempt a letter is held: then the process that had it is gone."""
_stop_seconds_max: Final = 3.0


class Letters:
    """Letters that wait in the control store; a `Service` of each process that serves requests.

    A letter is written in the transaction that it tells of, sealed under `secret`, and removed
    once a server has taken it. After a crash it may be sent twice, under one message id.
    """

    def __init__(
        self, control: Database, mailer: Mailer, *, secret: str, attempt_seconds_max: float
    ) -> None:
        self._control = control
        self._mailer = mailer
        self._secret = secret
        self._claim_seconds = attempt_seconds_max + claim_seconds_spare
        self._letters = LetterRepository()
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stopping = False

    def add(self, tx: Tx, mail: Mail, *, expires_at: Instant) -> None:
        """Let a letter wait from the commit on; it is tried until its link has expired."""
        id_ = tx.new_id()
        text = msgspec.json.encode(structs.replace(mail, message_id=id_)).decode()
        self._letters.add(tx, id_, seal(self._secret, _PURPOSE, id_, text), expires_at)
        tx.after_commit(self._news.set)

    async def start(self) -> None:
        """Begin with what an earlier process left."""
        self._stopping = False
        self._news.set()
        self._task = asyncio.create_task(self._send_for_ever(), name="identity.letters")

    async def stop(self) -> None:
        """Finish the letter that is under way, within three seconds; others go out later."""
        task, self._task = self._task, None
        if task is None:
            return
        self._stopping = True
        self._news.set()
        await asyncio.wait([task], timeout=_stop_seconds_max)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    async def send_due(self) -> None:
        """Try each letter that is due once."""
        while not self._stopping:
            waiting = await self._control.read(
                INSTALLATION, lambda tx: self._letters.due(tx, _at_once_max)
            )
            for letter in waiting:
                if self._stopping:
                    return
                await self._try(letter)
            if len(waiting) < _at_once_max:
                return

    async def _send_for_ever(self) -> None:
        while not self._stopping:
            with suppress(TimeoutError):
                async with asyncio.timeout(look_seconds):
                    await self._news.wait()
            self._news.clear()
            try:
                await self.send_due()
            except TidemillError as error:
                log.warning("identity.letters.not_read", reason=error.code)
            except Exception:
                log.exception("identity.letters.broke")

    async def _try(self, letter: Waiting) -> None:
        def claim(tx: Tx) -> Instant | None:
            until = seconds_after(tx.now, self._claim_seconds)
            if not self._letters.claim(tx, letter.id, until):
                return None
            if letter.expires_at <= tx.now:
                self._letters.remove(tx, letter.id, held=until)
                return None
            return until

        held = await self._control.write(INSTALLATION, claim)
        if held is None:
            return
        is_over = await self._sent(letter)
        attempts = letter.attempts + 1

        def ended(tx: Tx) -> None:
            if is_over or attempts >= attempts_max:
                self._letters.remove(tx, letter.id, held=held)
            else:
                again_at = seconds_after(tx.now, retry_seconds(attempts))
                self._letters.postpone(tx, letter.id, again_at, held=held)

        await self._control.write(INSTALLATION, ended)

    async def _sent(self, letter: Waiting) -> bool:
        """Return whether nothing more is to be done for a letter."""
        try:
            text = unseal(self._secret, _PURPOSE, letter.id, letter.sealed)
        except SealedOtherwise:
            log.error("identity.letters.sealed", letter_id=letter.id)  # noqa: TRY400 - its words say all
            return True
        try:
            await self._mailer.send(msgspec.json.decode(text, type=Mail))
        except TidemillError as error:
            log.warning(
                "identity.letters.not_sent",
                letter_id=letter.id,
                attempt=letter.attempts + 1,
                reason=error.code,
            )
            return False
        except Exception:
            log.exception("identity.letters.failed", letter_id=letter.id)
            return False
        return True
