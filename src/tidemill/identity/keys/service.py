"""Keeps the keys that sign access tokens, and reads and writes tokens with them."""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import suppress
from typing import Final

import structlog
from joserfc.jwk import OctKey, OKPKey

from tidemill.core.actor import Actor, system
from tidemill.core.clock import Clock, Instant, seconds_after
from tidemill.core.config import Config, ConfigRefused
from tidemill.core.config.sections.people import JwtAlgorithm
from tidemill.core.errors import TidemillError
from tidemill.core.ids import INSTALLATION
from tidemill.core.ports import Database, Invalidations, Once, Tx
from tidemill.identity.contract import CHANGED_SIGNING_KEY
from tidemill.identity.credential_errors import CredentialsUnverifiable
from tidemill.identity.grants.cache import Bounded
from tidemill.identity.keys.jwt import Claims, JwtCodec, Key, Policy
from tidemill.identity.keys.models import SigningKey
from tidemill.identity.keys.repository import SigningKeyRepository
from tidemill.identity.sealing import SealedOtherwise, seal, unseal

log = structlog.get_logger(__name__)

_PURPOSE: Final = "signing keys v1"
_verified_max: Final = 8_192
_job_seconds_spare: Final = 600
_lead_seconds: Final = 10.0
"""How long a new key waits before it signs, so that every process knows it by then."""


class SigningKeys:
    """The keys of this installation. With HS256 there is one, from `auth.jwt_secret`."""

    def __init__(
        self, control: Database, invalidations: Invalidations, clock: Clock, config: Config
    ) -> None:
        auth = config.auth
        self._token_seconds_max = max(auth.access_token_seconds, job_token_seconds_max(config))
        self._control = control
        self._clock = clock
        self._auth = auth
        self._codec = JwtCodec(
            Policy(
                algorithm=auth.jwt_algorithm,
                issuer=auth.jwt_issuer,
                audience=auth.jwt_audience,
                leeway_seconds=auth.clock_leeway_seconds,
            )
        )
        self._repository = SigningKeyRepository()
        self._keys: dict[str, Key] = {}
        self._stored: list[SigningKey] = []
        self._verified: Bounded[str, tuple[str, Claims]] = Bounded(_verified_max)
        self._loading: asyncio.Task[None] | None = None
        self._news = False
        if auth.jwt_algorithm is JwtAlgorithm.HS256:
            digest = hashlib.sha256(b"kid:" + auth.jwt_secret.encode()).hexdigest()[:16]
            self._keys = {digest: OctKey.import_key(auth.jwt_secret)}
        invalidations.on_change(CHANGED_SIGNING_KEY, lambda _: self._reload())
        invalidations.on_reset(self._reload)

    @property
    def stored(self) -> bool:
        """Whether the keys lie in the control store."""
        return self._auth.jwt_algorithm is JwtAlgorithm.EDDSA

    async def start(self) -> None:
        """Read the keys; make the first one where there is none."""
        if not self.stored:
            return
        await self.load()
        if not self._stored:
            await self._add_first()

    async def stop(self) -> None:
        """End a reading that is under way."""
        if self._loading is not None:
            self._loading.cancel()
            with suppress(asyncio.CancelledError):
                await self._loading

    async def load(self) -> None:
        """Read the keys anew."""
        stored = await self._control.read(INSTALLATION, self._repository.all)
        self._keys = {key.id: self._open(key) for key in stored}
        self._stored = stored
        self._verified.clear()

    async def rotate(self, *, by: Actor, once: Once[SigningKey] | None = None) -> SigningKey:
        """Let a new key sign soon; tokens of the old ones hold until they expire."""
        new = OKPKey.generate_key("Ed25519")
        overlap = self._token_seconds_max + self._auth.clock_leeway_seconds + _lead_seconds

        def use_case(tx: Tx) -> SigningKey:
            key = self._add(tx, new, lead_seconds=_lead_seconds, by=by)
            until = seconds_after(tx.now, overlap)
            self._repository.retire_others(tx, keep=key.id, until=until)
            return key

        made = await self._control.write(INSTALLATION, use_case, once=once)
        await self.load()
        return made

    async def replace(self, *, by: Actor, once: Once[SigningKey] | None = None) -> SigningKey:
        """Let a new key sign at once, and no token of an old one hold any more."""
        new = OKPKey.generate_key("Ed25519")

        def use_case(tx: Tx) -> SigningKey:
            for old in self._repository.all(tx):
                tx.audit("identity.signing_keys.revoke", by=by, resource=f"signing-key:{old.id}")
            key = self._add(tx, new, lead_seconds=0.0, by=by)
            self._repository.remove_others(tx, keep=key.id)
            return key

        made = await self._control.write(INSTALLATION, use_case, once=once)
        await self.load()
        return made

    def sign(self, claims: Claims, typ: str) -> str:
        """Return a signed token."""
        key_id = self._signing_id()
        return self._codec.encode(claims, typ, key_id, self._keys[key_id])

    def verify(self, token: str) -> tuple[str, Claims]:
        """Return the type and claims of a valid token; raises what is wrong with it first."""
        now = self._clock.now()
        self._drop_expired(now)
        known = self._verified.get(token)
        if known is not None:
            self._codec.check_time(known[1], now)
            return known
        header = self._codec.header(token)
        claims = self._codec.decode(token, header, self._keys, now)
        result = (header.typ, claims)
        self._verified.put(token, result)
        return result

    def public_keys(self) -> list[dict[str, str]]:
        """Return the public keys, as `/.well-known/jwks.json` shows them; none with HS256."""
        now = self._clock.now()
        return [
            {
                "kty": "OKP",
                "crv": "Ed25519",
                "use": "sig",
                "alg": "EdDSA",
                "kid": key.id,
                "x": key.public_key,
            }
            for key in self._stored
            if key.verifies(now)
        ]

    def _signing_id(self) -> str:
        if not self.stored:
            return next(iter(self._keys))
        now = self._clock.now()
        ready = [key for key in self._stored if key.signs_from <= now] or self._stored[:1]
        if not ready:
            raise CredentialsUnverifiable
        return ready[-1].id

    def _drop_expired(self, now: Instant) -> None:
        for key in self._stored:
            if not key.verifies(now) and self._keys.pop(key.id, None) is not None:
                self._verified.clear()

    async def _add_first(self) -> None:
        new = OKPKey.generate_key("Ed25519")

        def use_case(tx: Tx) -> None:
            # Another process may have made it.
            if not self._repository.all(tx):
                self._add(tx, new, lead_seconds=0.0, by=system("identity"))

        await self._control.write(INSTALLATION, use_case)
        await self.load()

    def _add(self, tx: Tx, new: OKPKey, *, lead_seconds: float, by: Actor) -> SigningKey:
        public, private = new.as_dict(private=False)["x"], new.as_dict(private=True)["d"]
        key_id = hashlib.sha256(str(public).encode()).hexdigest()[:16]
        key = SigningKey(
            key_id,
            str(public),
            seal(self._auth.jwt_secret, _PURPOSE, key_id, str(private)),
            seconds_after(tx.now, lead_seconds),
            None,
            tx.now,
        )
        self._repository.add(tx, key)
        tx.audit("identity.signing_keys.create", by=by, resource=f"signing-key:{key_id}")
        tx.invalidate(CHANGED_SIGNING_KEY, key_id)
        return key

    def _open(self, key: SigningKey) -> Key:
        try:
            private = unseal(self._auth.jwt_secret, _PURPOSE, key.id, key.sealed_private_key)
        except SealedOtherwise as error:
            raise SigningKeySealed from error
        return OKPKey.import_key(
            {"kty": "OKP", "crv": "Ed25519", "x": key.public_key, "d": private}
        )

    def _reload(self) -> None:
        if not self.stored:
            return
        self._news = True
        if self._loading is None or self._loading.done():
            self._loading = asyncio.ensure_future(self._load_quietly())

    async def _load_quietly(self) -> None:
        while self._news:
            self._news = False
            try:
                await self.load()
            except TidemillError as error:
                log.warning("identity.signing_keys.not_read", reason=error.code)


def job_token_seconds_max(config: Config) -> int:
    """Return how long the token of a job may hold: as long as any job may run, and a bit."""
    return config.jobs.timeout_seconds_max + _job_seconds_spare


class SigningKeySealed(ConfigRefused):
    """The stored keys were sealed under another `auth.jwt_secret`."""

    code = "SIGNING_KEY_SEALED"

    def __init__(self) -> None:
        why = "auth.jwt_secret is not the one under which the signing keys of EdDSA lie sealed."
        super().__init__([f"{why} Set that one again."])
