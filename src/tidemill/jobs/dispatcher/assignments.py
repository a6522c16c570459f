"""From a claimed job to what its worker needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tidemill.core.errors import TidemillError
from tidemill.identity import JobTokens
from tidemill.jobs.dispatcher.options import DispatcherOptions
from tidemill.jobs.functions.models import isolation_of
from tidemill.jobs.protocol.messages import Assignment, Isolation
from tidemill.jobs.queue.models import Job, starter_of
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

    async def of(self, job: Job) -> Assignment:
        """Return what the worker needs; raises when the script's store is away."""
        content = job.content
        if content is None:
            content = await self._scripts.content(job.tenant_id, job.content_hash)
        tenant = job.tenant_id
        needs = await self._scripts.needs(tenant, job.language, content, job.script_path)
        options = self._options
        return Assignment(
            job_id=job.id,
            epoch=job.epoch,
            attempt=job.attempts,
            tenant_id=job.tenant_id,
            language=job.language,
            content_hash=job.content_hash,
            content=content,
            arguments=job.args.encode(),
            isolation=Isolation(isolation_of(job.isolation)),
            timeout_seconds=job.timeout_seconds,
            token=self._token(job),
            script_path=job.script_path,
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

    def _token(self, job: Job) -> str:
        tokens = self._tokens()
        if tokens is None:
            return ""
        try:
            return tokens.issue_job_token(
                starter_of(job),
                job.id,
                epoch=job.epoch,
                ttl_seconds=job.timeout_seconds + token_seconds_spare,
            )
        except TidemillError:
            # A job that nobody in person has started has no rights of its own.
            return ""
