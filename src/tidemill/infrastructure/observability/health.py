"""Asks each part of a process whether it works, briefly and not too often."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import structlog
from msgspec import Struct

from tidemill.core.errors import TidemillError

log = structlog.get_logger(__name__)

answer_seconds_max: Final = 2.0
kept_seconds: Final = 1.0

Check = Callable[[], Awaitable[str | None]]
"""Returns None when the part works, else one sentence that says what is wrong."""


class _Answer(Struct, frozen=True):
    reason: str | None
    at: float


class Health:
    """The parts of this process and their last answers.

    An answer is kept for a second, so that probes cost little; a part that falls ill or
    recovers is told in the log once.
    """

    def __init__(
        self,
        *,
        answer_seconds: float = answer_seconds_max,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._answer_seconds = answer_seconds
        self._monotonic = monotonic
        self._checks: dict[str, Check] = {}
        self._kept: dict[str, float] = {}
        self._optional: set[str] = set()
        self._answers: dict[str, _Answer] = {}
        self._asking: dict[str, asyncio.Lock] = {}

    def add(
        self, name: str, check: Check, *, vital: bool = True, kept: float = kept_seconds
    ) -> None:
        """Ask `check` about the part `name`; a second part of a name is refused.

        Without a part that is not `vital` requests still succeed. An answer is `kept` for so
        many seconds.
        """
        if name in self._checks:
            raise ValueError(f"There is a part {name} already.")
        self._checks[name] = check
        self._kept[name] = kept
        if not vital:
            self._optional.add(name)
        self._asking[name] = asyncio.Lock()

    def checks(self) -> Mapping[str, Check]:
        """Return a bounded check of each part, for `/ready`."""
        return {name: self._bounded(name) for name in self._checks}

    @property
    def optional(self) -> frozenset[str]:
        """Return the parts without which requests still succeed."""
        return frozenset(self._optional)

    async def reasons(self) -> Mapping[str, str | None]:
        """Ask every part at once; return for each why it does not work, or None."""
        names = list(self._checks)
        answers = await asyncio.gather(*(self._ask(name) for name in names))
        return dict(zip(names, answers, strict=True))

    async def look(self) -> None:
        """Ask every part, so that the log tells what is wrong though nobody asks."""
        await self.reasons()

    def _bounded(self, name: str) -> Check:
        async def check() -> str | None:
            return await self._ask(name)

        return check

    async def _ask(self, name: str) -> str | None:
        async with self._asking[name]:
            last = self._answers.get(name)
            if last is not None and self._monotonic() - last.at < self._kept[name]:
                return last.reason
            reason = await self._reason(name)
            self._answers[name] = _Answer(reason, self._monotonic())
        before = last.reason if last else None
        _tell(name, before, reason, vital=name not in self._optional)
        return reason

    async def _reason(self, name: str) -> str | None:
        try:
            async with asyncio.timeout(self._answer_seconds):
                return await self._checks[name]()
        except TimeoutError:
            return f"{name} gave no answer within {self._answer_seconds:g} s."
        except TidemillError as error:
            return error.message
        except Exception as error:
            log.exception("health.check.broke", part=name)
            return f"{name} cannot be asked: {type(error).__name__}."


def _tell(name: str, before: str | None, after: str | None, *, vital: bool) -> None:
    if before is None and after is not None:
        say = log.error if vital else log.warning
        say("health.part.failed", part=name, reason=after)
    elif before is not None and after is None:
        log.info("health.part.recovered", part=name)
