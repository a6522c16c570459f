"""Changes passwords: by who knows the old one, and by who can read the account's mail."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from typing import Final

import msgspec
import structlog
from msgspec import Struct

from tidemill.core.actor import Actor, ActorKind, Origin
from tidemill.core.clock import seconds_after
from tidemill.core.config import Config
from tidemill.core.errors import TidemillError
from tidemill.core.ids import INSTALLATION
from tidemill.core.ports import Database, Mail, Tx
from tidemill.identity.attempts.service import AttemptService
from tidemill.identity.errors import (
    InvalidEmail,
    PasswordResetInvalid,
    UserNotFound,
    WrongPassword,
)
from tidemill.identity.grants.cache import GrantCache
from tidemill.identity.letters.service import Letters
from tidemill.identity.login.models import Entry
from tidemill.identity.login.service import LoginService
from tidemill.identity.opaque import Presented, SecretKind, mint, presented
from tidemill.identity.password_changes.repository import (
    PasswordResetRepository,
    Request,
    RequestRepository,
)
from tidemill.identity.passwords import policy
from tidemill.identity.passwords.hasher import PasswordHasher
from tidemill.identity.sealing import seal, unseal
from tidemill.identity.sessions.repository import SessionRepository
from tidemill.identity.users.models import User, email_address
from tidemill.identity.users.repository import UserRepository

log = structlog.get_logger(__name__)

_resets_per_hour_max: Final = 5
_requests_at_once_max: Final = 100
_request_seconds_max: Final = 3600.0
"""After so long nobody waits for a letter any more: whoever needs one has asked again."""
look_seconds: Final = 15.0
_PURPOSE: Final = "password reset requests v1"


class _Asked(Struct, frozen=True, kw_only=True):
    """Who asked for a link, and for which address."""

    email: str
    origin: Origin


class PasswordService:
    """Use cases of passwords. A `Service`: requests for resets are worked off beside answers."""

    def __init__(  # noqa: PLR0913 - the parts of identity that meet here
        self,
        control: Database,
        grants: GrantCache,
        passwords: PasswordHasher,
        attempts: AttemptService,
        login: LoginService,
        *,
        letters: Letters,
        config: Config,
    ) -> None:
        self._control = control
        self._grants = grants
        self._passwords = passwords
        self._attempts = attempts
        self._login = login
        self._letters = letters
        self._auth = config.auth
        self._public_url = config.public_url
        self._users = UserRepository()
        self._sessions = SessionRepository()
        self._resets = PasswordResetRepository()
        self._requests = RequestRepository()
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def change(self, current: str, new: str, *, actor: Actor) -> Entry:
        """Set a new password; every other session ends, and this one goes on renewed.

        Raises `WeakPassword`, and `WrongPassword`, which counts as an attempt to guess.
        """
        user_id, session_id = actor.user_id, actor.session_id
        if user_id is None or session_id is None:
            raise UserNotFound

        def read(tx: Tx) -> User:
            user = self._users.find(tx, user_id)
            if user is None:
                raise UserNotFound
            return user

        user = await self._control.read(INSTALLATION, read)
        password = self._strong(new, user)
        reserved = await self._control.write(
            INSTALLATION,
            lambda tx: self._attempts.reserve(tx, user.email_key, user_id, actor.origin),
        )
        self._attempts.check(reserved)
        if not await self._passwords.verify(user.password_hash, current):
            await self._control.write(
                actor.tenant_id,
                lambda tx: tx.audit(
                    "identity.passwords.refuse", by=actor, resource=f"user:{user_id}"
                ),
            )
            await self._attempts.tarpit(reserved)
            raise WrongPassword
        new_hash = await self._passwords.hash(password)

        def use_case(tx: Tx) -> Entry:
            self._attempts.succeeded(tx, reserved, user_id, actor.origin)
            self._set(tx, user, new_hash, keep=session_id, by=actor, action="change")
            return self._login.reissue(tx, user_id, session_id)

        return await self._control.write(actor.tenant_id, use_case)

    async def request_reset(self, email: str, origin: Origin) -> None:
        """Send a link to choose a new password, if the address has an account.

        When this returns, the request is durable, whosever address it is.
        """
        text = msgspec.json.encode(_Asked(email=email, origin=origin)).decode()

        def use_case(tx: Tx) -> None:
            id_ = tx.new_id()
            self._requests.add(tx, id_, seal(self._auth.jwt_secret, _PURPOSE, id_, text))
            tx.after_commit(self._news.set)

        await self._control.write(INSTALLATION, use_case)

    async def redeem_reset(self, token: str, new: str, origin: Origin) -> None:
        """Set a new password by a link; every session ends. Raises `PasswordResetInvalid`."""
        shown = presented(SecretKind.PASSWORD_RESET, token)
        if shown is None:
            raise PasswordResetInvalid
        user = await self._control.read(INSTALLATION, lambda tx: self._owner(tx, shown))
        new_hash = await self._passwords.hash(self._strong(new, user))

        def use_case(tx: Tx) -> None:
            current = self._owner(tx, shown)
            if not self._resets.use(tx, shown.prefix):
                raise PasswordResetInvalid
            self._resets.use_all(tx, current.id)
            by = Actor(
                kind=ActorKind.USER,
                id=current.id,
                tenant_id=INSTALLATION,
                user_id=current.id,
                origin=origin,
            )
            self._set(tx, current, new_hash, keep="", by=by, action="reset")

        await self._control.write(INSTALLATION, use_case)

    async def drain(self) -> None:
        """Work off the requests that wait, those of an earlier process too."""
        while True:
            waiting = await self._control.read(
                INSTALLATION, lambda tx: self._requests.waiting(tx, _requests_at_once_max)
            )
            for request in waiting:
                await self._answer(request)
            if len(waiting) < _requests_at_once_max:
                return

    async def start(self) -> None:
        """Begin with what an earlier process left."""
        self._news.set()
        self._task = asyncio.create_task(self._work_for_ever(), name="identity.password_resets")

    async def stop(self) -> None:
        """End; requests that wait are worked off later."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _work_for_ever(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(look_seconds):
                    await self._news.wait()
            self._news.clear()
            try:
                await self.drain()
            except TidemillError as error:
                log.warning("identity.password_resets.not_made", reason=error.code)
            except Exception:
                log.exception("identity.password_resets.not_read")

    async def _answer(self, request: Request) -> None:
        try:
            text = unseal(self._auth.jwt_secret, _PURPOSE, request.id, request.sealed)
            asked = msgspec.json.decode(text, type=_Asked)
            await self._control.write(INSTALLATION, partial(self._make, request, asked))
        except TidemillError:
            raise
        except Exception:
            # One request that breaks must not end all that follow.
            log.exception("identity.password_resets.broke", request_id=request.id)
            await self._control.write(
                INSTALLATION, lambda tx: self._requests.remove(tx, request.id)
            )

    def _make(self, request: Request, asked: _Asked, tx: Tx) -> None:
        """Write link and letter in the transaction that removes the request."""
        if not self._requests.remove(tx, request.id):
            return
        user = self._asking(tx, asked.email)
        if user is None or tx.now >= seconds_after(request.created_at, _request_seconds_max):
            return
        hour_ago = seconds_after(tx.now, -3600)
        if self._resets.recent(tx, user.id, hour_ago) >= _resets_per_hour_max:
            return
        minutes, minted = self._auth.password_reset_minutes, mint(SecretKind.PASSWORD_RESET)
        self._resets.prune(tx, seconds_after(tx.now, -86_400))
        expires_at = seconds_after(tx.now, minutes * 60)
        self._resets.add(
            tx, user.id, id_=minted.prefix, secret_hash=minted.secret_hash, expires_at=expires_at
        )
        by = Actor(kind=ActorKind.USER, id="unknown", tenant_id=INSTALLATION, origin=asked.origin)
        tx.audit("identity.password_resets.create", by=by, resource=f"user:{user.id}")
        self._letters.add(tx, self._letter(user, minted.text, minutes), expires_at=expires_at)

    def _asking(self, tx: Tx, email: str) -> User | None:
        try:
            user = self._users.find_by_email(tx, email_address(email).key)
        except InvalidEmail:
            return None
        return None if user is None or user.disabled_at is not None else user

    def _letter(self, user: User, token: str, minutes: int) -> Mail:
        return Mail(
            to=user.email,
            subject="Choose a new password for Tidemill",
            text=(
                f"Hello {user.name},\n\n"
                "somebody, hopefully you, asked for a new password. Choose it here within "
                f"{minutes} minutes:\n\n{self._public_url}/password-reset?token={token}\n\n"
                "If it was not you, do nothing: your password stays as it is.\n"
            ),
        )

    def _strong(self, new: str, user: User) -> str:
        context = (user.name, user.email)
        return policy.check(new, length_min=self._auth.password_length_min, context=context)

    def _owner(self, tx: Tx, shown: Presented) -> User:
        reset = self._resets.find(tx, shown.prefix)
        if reset is None or not shown.matches(reset.secret_hash):
            raise PasswordResetInvalid
        user = self._users.find(tx, reset.user_id)
        if user is None or user.disabled_at is not None:
            raise PasswordResetInvalid
        return user

    def _set(self, tx: Tx, user: User, new_hash: str, *, keep: str, by: Actor, action: str) -> None:
        self._users.set_password(tx, user.id, new_hash)
        for session_id in self._sessions.revoke_others(
            tx, user.id, keep=keep, reason="new password"
        ):
            self._grants.end_session(tx, session_id)
        tx.audit(f"identity.passwords.{action}", by=by, resource=f"user:{user.id}")
        self._grants.end_user(tx, user.id)
