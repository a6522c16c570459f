"""From a request to an order: what it runs is looked up before the transaction begins."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from msgspec import Struct, structs

from tidemill.core.actor import Actor, ActorKind
from tidemill.core.errors import TidemillError
from tidemill.core.tracing import Span
from tidemill.jobs.code.functions.service import FunctionService
from tidemill.jobs.code.scripts.models import Script
from tidemill.jobs.code.scripts.service import ScriptService
from tidemill.jobs.contract import JobRequest, WorkItemLinks
from tidemill.jobs.folders.models import Level, function_path, place_of
from tidemill.jobs.folders.service import FolderService, hidden_by
from tidemill.jobs.limits.models import Limits, Strategy
from tidemill.jobs.queueing.queue.coding import code_of
from tidemill.jobs.queueing.queue.limits import LimitsFor, QueueLimits
from tidemill.jobs.queueing.queue.lineages import Lineage, Lineages
from tidemill.jobs.queueing.queue.plans import Plan, plan_of, with_defaults
from tidemill.jobs.queueing.queue.requests import (
    Code,
    check,
    check_heartbeat,
    fingerprint,
    requires_by,
)
from tidemill.jobs.queueing.queue.sight import EVERYTHING, Reach, Sight
from tidemill.jobs.queueing.strategies.service import Door
from tidemill.jobs.tracing import begin_enqueue

Known = dict[str, Script]
"""Scripts that were read for requests which came together."""
Starters = Callable[[Actor], Awaitable[None]]
"""Raises why nothing new may begin by what a job goes back to."""
References = Callable[[dict[str, Any], str, Actor], Awaitable[None]]
"""Raises what is wrong with what arguments refer to, for a schema and for who starts the job."""


class Order(Struct, frozen=True):
    """A checked request on its way into the queue."""

    request: JobRequest
    code: Code
    limits: QueueLimits
    actor: Actor
    fingerprint: str | None
    lineage: Lineage | None = None
    plan: Plan | None = None
    span: Span | None = None
    reach: Reach = EVERYTHING


class Preparing:
    """Checks requests, and looks up what they run and belong to."""

    def __init__(  # noqa: PLR0913 - what a request may refer to
        self,
        limits: QueueLimits,
        limits_for: LimitsFor | None,
        *,
        scripts: ScriptService,
        functions: FunctionService | None,
        door: Door | None,
        folders: FolderService | None,
        links: Callable[[], WorkItemLinks | None],
        lineages: Lineages,
        references: References | None,
        starters: Starters | None,
    ) -> None:
        self._starters = starters
        self._limits = limits
        self._limits_for = limits_for
        self._scripts = scripts
        self._functions = functions
        self._door = door
        self._folders = folders
        self._links = links
        self._lineages = lineages
        self._references = references

    async def one(self, request: JobRequest, actor: Actor, code: Code | None) -> Order:
        """Return the order of a request; raises what is wrong with it."""
        await self._check_starter(actor)
        return await self._order(request, await self._limits_of(actor), actor, {}, code)

    async def many(
        self, requests: Sequence[JobRequest], actor: Actor
    ) -> list[Order | TidemillError]:
        """Return the order of each request, or what is wrong with it."""
        await self._check_starter(actor)
        limits, known = await self._limits_of(actor), Known()
        orders: list[Order | TidemillError] = []
        for request in requests:
            try:
                orders.append(await self._order(request, limits, actor, known, None))
            except TidemillError as refused:
                orders.append(refused)
        return orders

    async def _check_starter(self, actor: Actor) -> None:
        if self._starters is not None and actor.kind is ActorKind.JOB:
            # Or a chain of jobs, each started by the one before, would outlive what began it.
            await self._starters(actor)

    async def _limits_of(self, actor: Actor) -> QueueLimits:
        return await self._limits_for(actor) if self._limits_for else self._limits

    async def _order(
        self,
        request: JobRequest,
        limits: QueueLimits,
        actor: Actor,
        known: Known,
        code: Code | None,
    ) -> Order:
        check(request, limits)
        # Of what was sent: what is deployed may change until it is sent again.
        marked = fingerprint(request) if request.id is not None else None
        if self._folders is not None and (path := _path_of(request)) is not None:
            await self._folders.require(path, Level.RUN, actor=actor)
        deployed: Limits | None = None
        schema = "{}"
        if request.function is not None and self._functions is not None:
            hidden = await hidden_by(self._folders, actor)
            request, deployed, schema = await self._functions.admitted(request, hidden)
            check_heartbeat(request, limits)
        if code is None:
            allowed = self._folders is not None
            code = await code_of(self._scripts, request, actor, known, allowed=allowed)
            if request.function is not None:
                code = structs.replace(code, limits=deployed, schema=schema)
        if self._references is not None:
            await self._references(request.args, code.schema, actor)
        if self._door is not None:
            await self._door.check(
                request.tag or limits.tag_default,
                requires_by(request, code),
                request.affinity_key or code.affinity_key,
            )
            if request.function is None:
                await self._door.check_isolation(
                    request.tag or limits.tag_default,
                    request.isolation or code.isolation or limits.isolation_default,
                )
        if request.work_item_id is not None:
            links = self._links()
            if links is not None:
                await links.check(actor, request.work_item_id)
        lineage = await self._lineages.of(request.parent_id, actor)
        request = with_defaults(request, code)
        place = place_of(_path_of(request) or "").prefix
        plan = plan_of(request, code, place=place, starter=actor.user_id or actor.id)
        actor, span = begin_enqueue(request, actor, request.tag or limits.tag_default)
        reach = await self._reach(plan, actor)
        return Order(request, code, limits, actor, marked, lineage, plan, span, reach)

    async def _reach(self, plan: Plan | None, actor: Actor) -> Reach:
        """Return which jobs the new one may end, where its limits let it end any."""
        rule = None if plan is None else plan.limits.concurrency
        if rule is None or rule.strategy is not Strategy.CANCEL_RUNNING:
            return EVERYTHING
        return await Sight(self._folders).reach(actor.tenant_id)


def _path_of(request: JobRequest) -> str | None:
    if request.function is not None:
        return function_path(request.function)
    return None if request.script_path is None else request.script_path.strip("/")
