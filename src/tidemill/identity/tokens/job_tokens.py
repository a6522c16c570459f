"""Tokens of running jobs: short, bound to one execution, and worth what their actor is worth."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Self

from msgspec import Struct
from uuid_utils import uuid7

from tidemill.core.actor import Actor, ActorKind
from tidemill.core.clock import MICROSECONDS_PER_SECOND, Clock, Instant
from tidemill.core.config import Config
from tidemill.core.ids import TenantId
from tidemill.identity.contract import JobLiveness
from tidemill.identity.credential_errors import JobRightsEnded, TokenRevoked
from tidemill.identity.errors import JobStarterEnded, JobTokenNeedsPerson
from tidemill.identity.grants.cache import Bounded
from tidemill.identity.grants.models import ApiTokenState, Standing
from tidemill.identity.grants.service import GrantService
from tidemill.identity.keys.jwt import JOB, Claims
from tidemill.identity.keys.service import SigningKeys, job_token_seconds_max

_liveness_seconds: Final = 1.0

_MARK: Final = "execution"


class Execution(Struct, frozen=True, kw_only=True):
    """What a job's actor has for a session: which execution it is.

    `via` is the API token that the job goes back to, also over other jobs; with the token's end
    it ends too.
    """

    epoch: int = 0
    via: str = ""

    @classmethod
    def of(cls, actor: Actor) -> Self:
        """Return the execution behind the actor of a job."""
        mark, _, rest = (actor.session_id or "").partition(":")
        epoch, _, via = rest.partition(":")
        if mark != _MARK or not (epoch.isascii() and epoch.isdigit()):
            return cls()
        return cls(epoch=int(epoch), via=via)

    def __str__(self) -> str:
        return f"{_MARK}:{self.epoch}:{self.via}"


class JobTokenService:
    """See `JobTokens`."""

    def __init__(
        self,
        keys: SigningKeys,
        grants: GrantService,
        clock: Clock,
        config: Config,
        liveness: Callable[[], JobLiveness | None],
    ) -> None:
        self._keys = keys
        self._grants = grants
        self._clock = clock
        self._auth = config.auth
        self._ttl_seconds_max = job_token_seconds_max(config)
        self._liveness = liveness
        self._alive: Bounded[tuple[TenantId, str, int], float] = Bounded()

    def issue_job_token(
        self,
        actor: Actor,
        job_id: str,
        *,
        epoch: int = 0,
        ttl_seconds: float = 3600,
        began_at: Instant | None = None,
    ) -> str:
        """See `JobTokens.issue_job_token`."""
        if actor.user_id is None:
            raise JobTokenNeedsPerson
        now = self._clock.now() // MICROSECONDS_PER_SECOND
        claims = Claims(
            sub=actor.user_id,
            tenant_id=actor.tenant_id,
            exp=now + int(max(1.0, min(ttl_seconds, self._ttl_seconds_max))),
            # A job has the rights that it began with, also when it asks for its token late.
            iat=now if began_at is None else min(now, began_at // MICROSECONDS_PER_SECOND),
            iss=self._auth.jwt_issuer,
            aud=self._auth.jwt_audience,
            jti=str(uuid7()),
            ver=actor.security_version or 0,
            job=job_id,
            epoch=epoch,
            scopes=None if actor.scopes is None else tuple(sorted(actor.scopes)),
            via=_via(actor),
        )
        return self._keys.sign(claims, JOB)

    async def check_starter(self, actor: Actor) -> None:
        """See `JobTokens.check_starter`."""
        if actor.security_version is not None and actor.user_id is not None:
            standing = await self._grants.standing(actor.tenant_id, actor.user_id)
            if not rests_on(standing, actor.security_version):
                raise JobStarterEnded("the account has a new password since, or was closed")
        if not (via := _via(actor)):
            return
        token = await self._token(actor.tenant_id, via)
        if token is None:
            raise JobStarterEnded("the API token was revoked")
        if token.expires_at <= self._clock.now():
            raise JobStarterEnded("the API token has expired")

    async def check(self, claims: Claims, standing: Standing) -> Execution:
        """Return the execution that a token is for.

        Raises `TokenRevoked`, and `JobRightsEnded` when its rights had ended before it was issued,
        or have ended with a log-in.
        """
        execution = Execution(epoch=claims.epoch, via=claims.via)
        tenant_id = TenantId(claims.tenant_id)
        if not await self._runs(tenant_id, claims.job, execution.epoch):
            raise TokenRevoked
        if claims.ver and not rests_on(standing, claims.ver):
            raise JobRightsEnded
        if execution.via:
            token = await self._token(tenant_id, execution.via)
            if token is None:
                raise TokenRevoked
            if token.expires_at <= claims.iat * MICROSECONDS_PER_SECOND:
                raise JobRightsEnded
        return execution

    async def holds(self, actor: Actor, standing: Standing) -> bool:
        """Return whether the tokens of a job, which came as `actor`, still count."""
        execution = Execution.of(actor)
        if not await self._runs(actor.tenant_id, actor.id, execution.epoch):
            return False
        if actor.security_version and not rests_on(standing, actor.security_version):
            return False
        return not execution.via or await self._token(actor.tenant_id, execution.via) is not None

    async def _token(self, tenant_id: TenantId, token_id: str) -> ApiTokenState | None:
        token = await self._grants.api_token_by_id(tenant_id, token_id)
        return None if token is None or token.revoked else token

    async def _runs(self, tenant_id: TenantId, job_id: str, epoch: int) -> bool:
        liveness = self._liveness()
        if liveness is None:
            return True
        key = (tenant_id, job_id, epoch)
        now = self._clock.monotonic()
        seen = self._alive.get(key)
        if seen is not None and now - seen < _liveness_seconds:
            return True
        if not await liveness.is_running(tenant_id, job_id, epoch):
            self._alive.drop(key)
            return False
        self._alive.put(key, now)
        return True


def rests_on(standing: Standing, security_version: int) -> bool:
    """Return whether what began by a log-in of this version of the account still counts."""
    user = standing.user
    return user is not None and not user.disabled and user.security_version == security_version


def _via(actor: Actor) -> str:
    return actor.id if actor.kind is ActorKind.API_TOKEN else Execution.of(actor).via
