"""Hashes passwords with argon2id in threads of its own, of which there are few.

Each hash costs tens of milliseconds and megabytes: without a bound, a flood of log-ins would take
the machine.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher as Argon2
from argon2 import Type
from argon2.exceptions import InvalidHashError, VerificationError

from tidemill.core.config.sections.people import Auth
from tidemill.identity.errors import PasswordsBusy
from tidemill.identity.passwords.policy import normal

T = TypeVar("T")


class PasswordHasher:
    """Makes and checks hashes; raises `PasswordsBusy` when too many wait."""

    def __init__(self, auth: Auth) -> None:
        self._argon2 = Argon2(
            time_cost=auth.argon2_time_cost,
            memory_cost=auth.argon2_memory_kib,
            parallelism=auth.argon2_parallelism,
            type=Type.ID,
        )
        self._threads = auth.password_threads or os.cpu_count() or 1
        self._places = self._threads + auth.password_queue_max
        self._busy = 0
        self._pool: ThreadPoolExecutor | None = None
        self._dummy: str | None = None

    async def hash(self, password: str) -> str:
        """Return the hash of a password."""
        return await self._run(lambda: self._argon2.hash(normal(password)))

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Return whether `password` is the one behind the hash.

        Without a hash the same work is done for nothing, so that the time does not tell whether
        an account exists.
        """
        return await self._run(lambda: self._verify(password_hash, password))

    def needs_rehash(self, password_hash: str) -> bool:
        """Return whether the hash was made with other parameters than today's."""
        return self._argon2.check_needs_rehash(password_hash)

    async def start(self) -> None:
        """Make the hash that unknown accounts are checked against."""
        await self._run(self._make_dummy)

    async def stop(self) -> None:
        """End the threads."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None

    def _verify(self, password_hash: str | None, password: str) -> bool:
        wanted = password_hash if password_hash is not None else self._make_dummy()
        try:
            self._argon2.verify(wanted, normal(password))
        except (VerificationError, InvalidHashError):
            return False
        return password_hash is not None

    def _make_dummy(self) -> str:
        if self._dummy is None:
            self._dummy = self._argon2.hash(secrets.token_hex(16))
        return self._dummy

    async def _run(self, work: Callable[[], T]) -> T:
        if self._busy >= self._places:
            raise PasswordsBusy
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="passwords")
        self._busy += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._busy -= 1
