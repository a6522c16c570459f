"""From a claimed job to what its worker needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec import structs

from tidemill.core.clock import Instant
from tidemill.core.errors import TidemillError
from tidemill.identity import JobTokens
from tidemill.jobs.code.functions.models import isolation_of
from tidemill.jobs.code.scripts.service import ScriptService
from tidemill.jobs.dispatching.dispatcher.options import DispatcherOptions
from tidemill.jobs.dispatching.dispatcher.references import NO_SECRETS, References
from tidemill.jobs.limits.models import Limits
from tidemill.jobs.protocol.messages import Assignment, Isolation
from tidemill.jobs.queueing.queue.claims import Claimed
from tidemill.jobs.queueing.queue.models import starter
from tidemill.jobs.queueing.queue.plans import limits_in
from tidemill.jobs.queueing.specs.models import Spec
from tidemill.jobs.references import may_refer

token_seconds_spare: Final = 120
functions_max: Final = 1_000
"""Of how many functions it is remembered what their jobs have in common."""


class Assignments:
    """Adds code, credentials and limits to claimed jobs."""

    def __init__(
        self,
        options: DispatcherOptions,
        scripts: ScriptService,
        tokens: Callable[[], JobTokens | None],
        references: References | None = None,
    ) -> None:
        self._options = options
        self._references = references
        self._scripts = scripts
        self._tokens = tokens
        self._functions: dict[Spec, Assignment] = {}

    async def of(self, job: Claimed) -> Assignment:
        """Return what the worker needs; raises when the script's store is away."""
        arguments, secrets, refusal = await self._resolved(job)
        if job.function is not None:
            return structs.replace(
                self.of_function(job), arguments=arguments, secrets=secrets, refusal=refusal
            )
        spec = job.spec
        content = spec.content
        if content is None:
            content = await self._scripts.content(job.tenant_id, spec.content_hash)
        needs = await self._scripts.needs(
            spec.language, content, spec.script_path, actor=starter(spec.actor)
        )
        common = self._common(spec)
        return structs.replace(
            common,
            job_id=job.id,
            epoch=job.epoch,
            attempt=job.attempts,
            content=content,
            arguments=arguments,
            # Few warm jobs call the API; to sign a token takes longer than many of them run.
            token="" if common.isolation is Isolation.WARM else self.token(job),
            work_item_id=job.work_item_id,
            traceparent=job.traceparent,
            lock=needs.lock,
            modules=needs.modules,
            secrets=secrets,
            refusal=refusal,
        )

    def refers(self, job: Claimed) -> bool:
        """Return whether the job refers to something; else `of_function` will do for a function."""
        return self._references is not None and may_refer(job.args)

    async def _resolved(self, job: Claimed) -> tuple[bytes, tuple[str, ...], str]:
        if self._references is None or not self.refers(job):
            return job.args.encode(), NO_SECRETS, ""
        return await self._references.resolved(job)

    def of_function(self, job: Claimed) -> Assignment:
        """Return what the worker needs to call a function, with its arguments as they are written.

        There is no token: few functions call the API, and those ask for it with `TokenWanted`.
        """
        common = self._functions.get(job.spec)
        if common is None:
            if len(self._functions) >= functions_max:
                self._functions.clear()
            common = self._functions[job.spec] = self._common(job.spec)
        return structs.replace(
            common,
            job_id=job.id,
            epoch=job.epoch,
            attempt=job.attempts,
            arguments=job.args.encode(),
            work_item_id=job.work_item_id,
            traceparent=job.traceparent,
        )

    def _common(self, spec: Spec) -> Assignment:
        """Return what the jobs of a specification have in common."""
        options = self._options
        limits = Limits() if spec.limits is None else limits_in(spec.limits)
        return Assignment(
            job_id="",
            epoch=0,
            attempt=0,
            tenant_id=spec.tenant_id,
            language=spec.language,
            content_hash=spec.content_hash,
            content=spec.content or "",
            arguments=b"",
            isolation=Isolation(isolation_of(spec.isolation)),
            timeout_seconds=spec.timeout_seconds,
            token="",
            script_path=spec.script_path,
            memory_bytes_max=options.memory_bytes_max,
            disk_bytes_max=options.disk_bytes_max,
            processes_max=options.processes_max,
            open_files_max=options.open_files_max,
            log_bytes_max=options.log_bytes_max,
            result_bytes_max=options.result_bytes_max,
            start_seconds=limits.start_timeout_seconds,
            heartbeat_seconds=limits.heartbeat_timeout_seconds,
        )

    def token(self, job: Claimed, began_at: Instant | None = None) -> str:
        """Return the job's own token for `/api/v1`; empty where it has no rights of its own.

        One that asks for it late, of an attempt that `began_at` an instant, has the rights that it
        had then.
        """
        tokens = self._tokens()
        if tokens is None:
            return ""
        try:
            return tokens.issue_job_token(
                starter(job.spec.actor),
                job.id,
                epoch=job.epoch,
                ttl_seconds=job.spec.timeout_seconds + token_seconds_spare,
                began_at=began_at,
            )
        except TidemillError:
            # A job that nobody in person has started has no rights of its own.
            return ""
