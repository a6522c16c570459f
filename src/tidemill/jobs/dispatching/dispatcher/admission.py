"""Who may be a worker here, and what it may take."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

from msgspec import Struct, structs

from tidemill.core.errors import Forbidden, TidemillError, Unauthenticated
from tidemill.identity import WorkerRights, WorkerTokens
from tidemill.jobs.dispatching.dispatcher.distrust import faults_of
from tidemill.jobs.protocol.messages import Hello

refusals_max: Final = 30
refusals_seconds: Final = 60.0
addresses_max: Final = 10_000


class NotAdmitted(Exception):
    """The worker is sent away; the text says why and what to do.

    `is_guess` says that it may have been somebody who tries tokens.
    """

    def __init__(self, reason: str, *, is_guess: bool = False) -> None:
        super().__init__(reason)
        self.is_guess = is_guess


def named_twice(worker_id: str) -> NotAdmitted:
    """Return why the second of two workers under one name is sent away."""
    return NotAdmitted(
        f"Another worker named {worker_id!r} is connected. Give each its own worker.worker_id."
    )


class Rights(Struct, frozen=True, kw_only=True):
    """What an admitted worker may take; None for tenants or tags means all of them.

    `token_id` is set where the worker showed a token, with which its right ends; what one says that
    `is_foreign` may be anything.
    """

    tenants: tuple[str, ...] | None = None
    tags: tuple[str, ...] | None = None
    token_id: str | None = None
    is_foreign: bool = False


EVERYTHING: Final = Rights()

Admit = Callable[[Hello], Awaitable[tuple[Hello, Rights]]]
"""Returns the greeting under the name that the worker has here, and its rights.

Raises `NotAdmitted`.
"""


def by_secret(is_secret: Callable[[str], bool]) -> Admit:
    """Admit workers of this machine, which know the secret of the dispatcher's start."""

    async def admit(hello: Hello) -> tuple[Hello, Rights]:
        if not is_secret(hello.secret):
            raise NotAdmitted("The secret is wrong: read it again from the dispatcher's directory.")
        return hello, EVERYTHING

    return admit


def by_token(tokens: Callable[[], WorkerTokens | None]) -> Admit:
    """Admit workers that show a worker token in the place of the secret."""

    async def admit(hello: Hello) -> tuple[Hello, Rights]:
        found = tokens()
        if found is None:
            raise NotAdmitted("This dispatcher knows no worker tokens.")
        try:
            rights = await found.rights(hello.secret)
        except Unauthenticated as refused:
            raise NotAdmitted(refused.message, is_guess=True) from refused
        except Forbidden as refused:
            raise NotAdmitted(refused.message) from refused
        except TidemillError as error:
            raise NotAdmitted(f"The token cannot be checked now: {error.message}") from error
        _check_wishes(hello, rights)
        # Its name is its own among the workers of this token only: nobody takes another's jobs.
        named = structs.replace(hello, worker_id=f"{hello.worker_id}@{rights.name}")
        return named, Rights(
            tenants=rights.tenants, tags=rights.tags, token_id=rights.token_id, is_foreign=True
        )

    return admit


def _check_wishes(hello: Hello, rights: WorkerRights) -> None:
    """Refuse a worker that would wait in vain for what its token does not allow."""
    if (fault := faults_of(hello)) is not None:
        raise NotAdmitted(fault)
    if rights.tags is not None:
        over = sorted(set(hello.tags) - set(rights.tags))
        if over:
            raise NotAdmitted(
                f"The token {rights.name!r} is for the tags {', '.join(rights.tags)}, not for "
                f"{', '.join(over)}. Set worker.tags to some of them, or make another token."
            )
    if hello.functions and rights.tenants is not None:
        raise NotAdmitted(
            f"The token {rights.name!r} is for some tenants only, and functions are called by all. "
            "Start the worker without an app, or make a token for every tenant."
        )


class Strangers:
    """Remembers which addresses came with bad tokens lately, and keeps them out for a while."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._refused: dict[str, deque[float]] = {}

    def may_enter(self, address: str) -> bool:
        """Return whether a connection from `address` may say its greeting."""
        times = self._refused.get(address)
        if times is None or len(times) < refusals_max:
            return True
        if self._monotonic() - times[0] > refusals_seconds:
            del self._refused[address]
            return True
        return False

    def refused(self, address: str) -> None:
        """Count a greeting from `address` that was refused."""
        times = self._refused.pop(address, None) or deque(maxlen=refusals_max)
        times.append(self._monotonic())
        # The latest stand last, so that those forgotten first are the ones long gone.
        self._refused[address] = times
        if len(self._refused) > addresses_max:
            del self._refused[next(iter(self._refused))]
