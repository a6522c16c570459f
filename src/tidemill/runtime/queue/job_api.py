"""What functions ask of the queue of their own program, which has no server."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct, structs

from tidemill.core.actor import Actor, ActorKind
from tidemill.core.clock import from_datetime
from tidemill.core.errors import TidemillError
from tidemill.jobs.code.functions.api import ChildEnd, Refused
from tidemill.jobs.code.states.service import FunctionStateService
from tidemill.jobs.contract import JobRequest
from tidemill.jobs.protocol.messages import Assignment
from tidemill.jobs.records.metrics.service import MetricService
from tidemill.jobs.records.progress.service import ProgressService
from tidemill.runtime.queue.opening import OpenQueue, actor_of

_ASKED_ON_SERVERS: Final = (
    "A queue without a server keeps no {things}; read what {path!r} stands for from the program's "
    "own configuration."
)
_not_here: Final = 404
_wrong: Final = 400
_WRONG_FIELD: Final = "VALIDATION_FAILED"
# What starts a job other than a person or a job is the server's to say.
_FIELDS: Final = frozenset(JobRequest.__struct_fields__) - {"trigger_id"}


class _Moment(Struct, frozen=True, kw_only=True):
    """When a child shall run, as a body of the API says it."""

    run_at: Annotated[datetime, Meta(tz=True)] | None = None


class QueueServices:
    """What the jobs of one queue write beside it."""

    def __init__(self, queue: OpenQueue) -> None:
        jobs, service = queue.store.jobs, queue.service
        self.queue = queue
        self.progress = ProgressService(jobs, service, queue.endings)
        self.metrics = MetricService(jobs, service, queue.endings)
        self.states = FunctionStateService(jobs)

    def of(self, assignment: Assignment) -> QueueJobApi:
        """Return what answers the questions of one job."""
        return QueueJobApi(self, assignment)


class QueueJobApi:
    """Fills `JobApi` in the process of the queue itself."""

    def __init__(self, services: QueueServices, assignment: Assignment) -> None:
        self._services = services
        self._job_id = assignment.job_id
        self._tenant = assignment.tenant_id
        self._traceparent = assignment.traceparent

    async def put_progress(self, percent: float, text: str) -> None:
        """See `JobApi.put_progress`."""
        await self._services.progress.put(self._job_id, percent, text, actor=self._actor)

    async def put_metrics(self, values: Mapping[str, float]) -> None:
        """See `JobApi.put_metrics`."""
        try:
            await self._services.metrics.put(self._job_id, values, actor=self._actor)
        except TidemillError as refused:
            raise _refused(refused) from None

    async def get_state(self, name: str) -> Any:
        """See `JobApi.get_state`."""
        state = await self._services.states.find(name, actor=self._actor)
        return None if state is None else msgspec.json.decode(state.value)

    async def put_state(self, name: str, value: Any) -> None:
        """See `JobApi.put_state`."""
        try:
            await self._services.states.put(name, value, actor=self._actor)
        except TidemillError as refused:
            raise _refused(refused) from None

    async def get_variable(self, path: str) -> str:
        """Raise `Refused`: variables lie with a server."""
        raise Refused(
            _not_here, "NO_SERVER", _ASKED_ON_SERVERS.format(things="variables", path=path)
        )

    async def get_resource(self, path: str) -> Any:
        """Raise `Refused`: resources lie with a server."""
        raise Refused(
            _not_here, "NO_SERVER", _ASKED_ON_SERVERS.format(things="resources", path=path)
        )

    async def start_job(self, fields: Mapping[str, Any]) -> str:
        """See `JobApi.start_job`."""
        request = structs.replace(_request_of(fields), parent_id=self._job_id)
        try:
            job = await self._services.queue.enqueue(
                request, tenant=self._tenant, traceparent=self._traceparent
            )
        except TidemillError as refused:
            raise _refused(refused) from None
        return job.public_id

    async def child(self, job_id: str, seconds: float) -> ChildEnd:
        """See `JobApi.child`."""
        job = await self._services.queue.wait(job_id, tenant=self._tenant, seconds=seconds)
        return ChildEnd(
            finished=job.state.final,
            state=str(job.state),
            result=None if job.result is None else msgspec.json.decode(job.result),
            error=None if job.error is None else msgspec.json.decode(job.error),
        )

    @property
    def _actor(self) -> Actor:
        return structs.replace(actor_of(self._tenant), kind=ActorKind.JOB, id=self._job_id)


def _request_of(fields: Mapping[str, Any]) -> JobRequest:
    """Return the request that `fields` are; raise `Refused` as a server does, with the field."""
    for name in fields:
        if name not in _FIELDS:
            raise Refused(_wrong, _WRONG_FIELD, f"{name} is not a field of a job.")
    try:
        moment = msgspec.convert(dict(fields), _Moment).run_at
        rest = {name: value for name, value in fields.items() if name != "run_at"}
        request = msgspec.convert(rest, JobRequest)
    except msgspec.ValidationError as error:
        reason, _, field = str(error).partition(" - at `$.")
        raise Refused(_wrong, _WRONG_FIELD, f"{field.removesuffix('`')}: {reason}.") from None
    return request if moment is None else structs.replace(request, run_at=from_datetime(moment))


def _refused(error: TidemillError) -> Refused:
    return Refused(error.status, error.code, error.message)
