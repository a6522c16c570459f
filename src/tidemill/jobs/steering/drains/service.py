"""What one can do with workers that shall take nothing more."""

from __future__ import annotations

from collections.abc import Callable

from tidemill.core.actor import Actor
from tidemill.core.ids import INSTALLATION
from tidemill.core.operators import Operators, is_operator
from tidemill.core.ports import Database, Tx
from tidemill.jobs.control_errors import JobsOperatorNeeded, WorkerNotFound
from tidemill.jobs.queueing.workers.models import Worker
from tidemill.jobs.queueing.workers.repository import WorkerRepository


class DrainService:
    """Use cases of draining. Workers serve all tenants, so operators decide."""

    def __init__(self, jobs: Database, operators: Operators) -> None:
        self._database = jobs
        self._operators = operators
        self._workers = WorkerRepository()

    async def drain(self, worker_id: str, *, leaves: bool, actor: Actor) -> Worker:
        """Give a worker nothing more; it finishes what it has, and then goes if it `leaves`.

        One that stays takes nothing until `resume`, over its restarts too. One that leaves takes
        jobs again when it is started again. Raises `JobsOperatorNeeded` and `WorkerNotFound`.
        """

        def order(tx: Tx) -> Worker | None:
            return self._workers.order_drain(tx, worker_id, leaves=leaves)

        return await self._change(worker_id, order, "jobs.workers.drain", actor, leaves=leaves)

    async def resume(self, worker_id: str, *, actor: Actor) -> Worker:
        """Give a worker jobs again. Raises `JobsOperatorNeeded` and `WorkerNotFound`."""

        def order(tx: Tx) -> Worker | None:
            return self._workers.end_drain(tx, worker_id)

        return await self._change(worker_id, order, "jobs.workers.resume", actor)

    async def _change(
        self,
        worker_id: str,
        order: Callable[[Tx], Worker | None],
        action: str,
        actor: Actor,
        **detail: bool,
    ) -> Worker:
        if not await is_operator(self._operators, actor):
            raise JobsOperatorNeeded

        def use_case(tx: Tx) -> Worker:
            worker = order(tx)
            if worker is None:
                raise WorkerNotFound(worker_id)
            tx.audit(action, by=actor, resource=f"worker:{worker_id}", after=detail or None)
            return worker

        return await self._database.write(INSTALLATION, use_case)
