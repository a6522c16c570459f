"""What the arguments of a job refer to, put in when it starts; the queue never has it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec
from msgspec import structs

from tidemill.core.actor import Actor, ActorKind
from tidemill.core.errors import Forbidden, NotFound
from tidemill.identity import Identity, JobTokens
from tidemill.jobs.code.resources.service import ResourceService
from tidemill.jobs.queueing.queue.claims import Claimed
from tidemill.jobs.queueing.queue.models import starter
from tidemill.jobs.resource_errors import ReferenceInvalid, SecretLocked

resolved_bytes_max: Final = 1024 * 1024
NO_SECRETS: Final[tuple[str, ...]] = ()


class References:
    """Resolves what the arguments of jobs refer to, by the rights that their starters have now."""

    def __init__(
        self,
        resources: ResourceService,
        identity: Callable[[], Identity | None],
        tokens: Callable[[], JobTokens | None],
    ) -> None:
        self._resources = resources
        self._identity = identity
        self._tokens = tokens

    async def resolved(self, job: Claimed) -> tuple[bytes, tuple[str, ...], str]:
        """Return the arguments, the secrets in them, and why the job cannot have them, if so."""
        try:
            args = msgspec.json.decode(job.args)
            found = await self._resources.resolve(args, actor=await self._actor(job))
        except (Forbidden, NotFound, ReferenceInvalid, SecretLocked) as error:
            return b"{}", NO_SECRETS, str(error)
        arguments = msgspec.json.encode(found.value)
        if len(arguments) > resolved_bytes_max:
            reason = f"with what they refer to they have over {resolved_bytes_max} bytes as JSON"
            return b"{}", NO_SECRETS, f"The arguments are too large: {reason}."
        return arguments, found.secrets, ""

    async def _actor(self, job: Claimed) -> Actor:
        by = starter(job.spec.actor)
        tokens = self._tokens()
        if tokens is not None:
            await tokens.check_starter(by)
        identity = self._identity()
        if identity is not None and by.user_id is not None:
            now = await identity.acting_for(by.user_id, by=by)
            by = structs.replace(now, scopes=by.scopes)
        return structs.replace(
            by, kind=ActorKind.JOB, id=job.id, on_behalf_of=by.on_behalf_of or by.user_id or by.id
        )
