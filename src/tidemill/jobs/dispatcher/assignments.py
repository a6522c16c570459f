"""From a claimed job to what its worker needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tidemill.core.errors import TidemillError
from tidemill.identity import JobTokens
from tidemill.jobs.dispatcher.options import DispatcherOptions
from tidemill.jobs.functions.models import isolation_of
from tidemill.jobs.protocol.messages import Assignment, Isolation
from tidemill.jobs.queue.claims import Claimed
from tidemill.jobs.queue.models import starter
from tidemill.jobs.scripts.service import ScriptService

token_seconds_spare: Final = 120


class Assignments:
    """Adds code, credentials and limits to claimed jobs."""

    def __init__(
        self,
        options: DispatcherOptions,
        scripts: ScriptService,
        tokens: Callable[[], JobTokens | None],
    ) -> None:
        self._options = options
        self._scripts = scripts
        self._tokens = tokens

    async def of(self, job: Claimed) -> Assignment:
        """Return what the worker needs; raises when the script's store is away."""
        spec, options = job.spec, self._options
        content = spec.content
        if content is None:
            content = await self._scripts.content(job.tenant_id, spec.content_hash)
        isolation = Isolation(isolation_of(spec.isolation))
        needs = await self._scripts.needs(job.tenant_id, spec.language, content, spec.script_path)
        return Assignment(
            job_id=job.id,
            epoch=job.epoch,
            attempt=job.attempts,
            tenant_id=job.tenant_id,
            language=spec.language,
            content_hash=spec.content_hash,
            content=content,
            arguments=job.args.encode(),
            isolation=isolation,
            timeout_seconds=spec.timeout_seconds,
            # The operator's own functions run with the rights of the worker.
            token="" if isolation is Isolation.FUNCTION else self._token(job),
            script_path=spec.script_path,
            work_item_id=job.work_item_id,
            traceparent=job.traceparent,
            memory_bytes_max=options.memory_bytes_max,
            disk_bytes_max=options.disk_bytes_max,
            processes_max=options.processes_max,
            open_files_max=options.open_files_max,
            log_bytes_max=options.log_bytes_max,
            result_bytes_max=options.result_bytes_max,
            lock=needs.lock,
            modules=needs.modules,
        )

    def _token(self, job: Claimed) -> str:
        tokens = self._tokens()
        if tokens is None:
            return ""
        try:
            return tokens.issue_job_token(
                starter(job.spec.actor),
                job.id,
                epoch=job.epoch,
                ttl_seconds=job.spec.timeout_seconds + token_seconds_spare,
            )
        except TidemillError:
            # A job that nobody in person has started has no rights of its own.
            return ""
