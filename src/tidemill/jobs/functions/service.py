"""Which functions may be called by name, as workers have registered them."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from msgspec import structs

from tidemill.core.ids import INSTALLATION
from tidemill.core.keysets import after_text
from tidemill.core.pages import Page, PageRequest, page_of
from tidemill.core.ports import Database, Tx
from tidemill.jobs.contract import JobRequest
from tidemill.jobs.errors import FunctionNotFound
from tidemill.jobs.functions.models import check_name
from tidemill.jobs.functions.repository import FunctionRepository
from tidemill.jobs.protocol.messages import RegisteredFunction
from tidemill.jobs.scripts.arguments import Arguments


class FunctionService:
    """Keeps what workers register, and checks requests against it."""

    def __init__(self, jobs: Database) -> None:
        self._database = jobs
        self._functions = FunctionRepository()
        self._arguments = Arguments("function")

    async def keep(self, functions: Sequence[RegisteredFunction]) -> None:
        """Write what a worker says of its functions."""
        if functions:
            await self._database.write(INSTALLATION, lambda tx: self._functions.keep(tx, functions))

    async def admitted(self, request: JobRequest) -> JobRequest:
        """Return the request with what holds for its function where it says nothing itself.

        Raises `FunctionNotFound`, which knows the nearest name, and `ArgumentsInvalid`.
        """
        name = request.function or ""
        check_name(name)

        def use_case(tx: Tx) -> tuple[RegisteredFunction | None, list[str]]:
            found = self._functions.find(tx, name)
            return found, [] if found is not None else self._functions.names(tx)

        found, names = await self._database.read(INSTALLATION, use_case)
        if found is None:
            near = difflib.get_close_matches(name, names, n=1)
            raise FunctionNotFound(name, near[0] if near else None)
        self._arguments.check(found.schema, request.args)
        return structs.replace(
            request,
            tag=request.tag or found.tag,
            priority=request.priority or found.priority,
            timeout_seconds=request.timeout_seconds or found.timeout_seconds,
            attempts_max=request.attempts_max or found.attempts_max,
        )

    async def list(self, page: PageRequest) -> Page[RegisteredFunction]:
        """Return functions by name."""
        after = after_text(page) or ""
        found = await self._database.read(
            INSTALLATION, lambda tx: self._functions.list(tx, after, page.limit_plus_one)
        )
        return page_of(found, page, lambda function: (function.name,))

    async def forget_facts(self) -> None:
        """Delete the facts of a queue without a server: nobody follows them."""
        await self._database.write(INSTALLATION, self._functions.forget_facts)
