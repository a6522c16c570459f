"""What happens to jobs in this process, for those who wait for it here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from tidemill.core.facts import topic
from tidemill.core.ports import LiveUpdates
from tidemill.jobs.contract import JobState
from tidemill.jobs.figures import JobFigures
from tidemill.jobs.queueing.queue.breakdown import Breakdown
from tidemill.jobs.queueing.queue.claims import Claimed
from tidemill.jobs.queueing.queue.models import Job, error_message


class Signals:
    """Wakes the dispatcher of this process, those who wait for a result, and live views.

    `in_order` says that a write sees what earlier ones did although it is not durable yet.
    """

    def __init__(self, live: LiveUpdates, *, in_order: bool = False) -> None:
        self.figures = JobFigures()
        self.breakdown = Breakdown()
        self._live = live
        self._ready: list[Callable[[int], None]] = []
        self._coming: list[Callable[[], None]] = []
        self._in_order = in_order
        self._foretold = self._looked = 0
        self._cancelled: list[Callable[[str, int], None]] = []
        self._triggered: list[Callable[[Job], None]] = []
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self.ending = False

    def on_ready(self, handler: Callable[[int], None]) -> None:
        """Call `handler` with the instant when a new job is due."""
        self._ready.append(handler)

    def on_coming(self, handler: Callable[[], None]) -> None:
        """Call `handler` when a write is about to be asked for that enqueues jobs."""
        self._coming.append(handler)

    def on_cancel(self, handler: Callable[[str, int], None]) -> None:
        """Call `handler` with id and epoch of a held job that shall end."""
        self._cancelled.append(handler)

    def on_triggered(self, handler: Callable[[Job], None]) -> None:
        """Call `handler` with a job that ended here, and that a schedule or another thing began."""
        self._triggered.append(handler)

    def foretell(self) -> int:
        """Say that the write that is asked for next enqueues jobs; return its number, or 0.

        So the dispatcher's turn can wait right behind it and share its commit.
        """
        if not self._in_order:
            return 0
        self._foretold += 1
        for handler in self._coming:
            handler()
        return self._foretold

    def look(self) -> None:
        """Say that the write that is asked for next finds what has been foretold."""
        self._looked = self._foretold

    def ready(self, due_at: int, foretold: int = 0) -> None:
        """Say that a job was enqueued; one that was `foretold` may have been found already."""
        if 0 < foretold <= self._looked:
            return
        for handler in self._ready:
            handler(due_at)

    def cancel(self, job_id: str, epoch: int) -> None:
        """Say that a held job shall end."""
        for handler in self._cancelled:
            handler(job_id, epoch)

    def changed(self, job: Job | Claimed, state: JobState | None = None) -> None:
        """Say that a job is in another state; `state` is what a claimed job has become."""
        told = state if state is not None or isinstance(job, Claimed) else job.state
        if self._live.is_followed(job.tenant_id):
            data = {
                "job_id": job.public_id,
                "state": told,
                "attempt": job.attempts,
                "work_item_id": job.work_item_id,
                "error": error_message(job) if isinstance(job, Job) else None,
            }
            spec = job.spec if isinstance(job, Claimed) else job
            topics = (*job.topics, topic("tag", spec.tag))
            self._live.publish(job.tenant_id, topics, "JobStateChanged", data)
        if told is not None and told.final:
            self.figures.ended += 1
            self.breakdown.ended(job, told)
            if job.trigger_id is not None and isinstance(job, Job):
                for handler in self._triggered:
                    handler(job)
            for event in self._waiting.pop(job.id, ()):
                event.set()

    def leased(self, jobs: Sequence[Claimed]) -> None:
        """Say that workers have been given jobs."""
        if self._is_any_followed(jobs):
            for job in jobs:
                self.changed(job, JobState.LEASED)

    def succeeded(self, jobs: Sequence[Claimed]) -> None:
        """Say that jobs have ended well; once for all is cheaper than `changed` for each."""
        if self._is_any_followed(jobs):
            for job in jobs:
                self.changed(job, JobState.SUCCEEDED)
            return
        self.figures.ended += len(jobs)
        self.breakdown.all_ended(jobs, JobState.SUCCEEDED)
        if self._waiting:
            for job in jobs:
                for event in self._waiting.pop(job.id, ()):
                    event.set()

    def _is_any_followed(self, jobs: Sequence[Claimed]) -> bool:
        return any(map(self._live.is_followed, {job.tenant_id for job in jobs}))

    def retried(self, job: Job) -> None:
        """Count an attempt after which another one follows."""
        self.figures.retries += 1
        self.breakdown.of(job).retries += 1

    def end_waits(self) -> None:
        """Let everybody go who waits for a job, now and later: this process stops."""
        self.ending = True
        for events in self._waiting.values():
            for event in events:
                event.set()

    async def wait_finished(self, job_id: str, seconds: float) -> None:
        """Return when the job has ended here, after `seconds`, or when this process stops."""
        if self.ending:
            return
        event = asyncio.Event()
        self._waiting.setdefault(job_id, set()).add(event)
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            pass
        finally:
            waiting = self._waiting.get(job_id)
            if waiting is not None:
                waiting.discard(event)
                if not waiting:
                    del self._waiting[job_id]
