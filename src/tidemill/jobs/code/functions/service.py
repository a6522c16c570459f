"""Which functions may be called by name, as workers have registered them."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence

from msgspec import structs

from tidemill.core.ids import INSTALLATION
from tidemill.core.keysets import after_text
from tidemill.core.pages import Page, PageRequest, page_of
from tidemill.core.ports import Database, Tx
from tidemill.jobs.code.functions.models import check_name, default_tag
from tidemill.jobs.code.functions.repository import FunctionRepository
from tidemill.jobs.code.scripts.arguments import Arguments
from tidemill.jobs.contract import JobRequest
from tidemill.jobs.errors import FunctionNotFound
from tidemill.jobs.folders.models import Hidden, function_path
from tidemill.jobs.limits.models import Limits, check_limits, limits_of
from tidemill.jobs.protocol.messages import RegisteredFunction


class FunctionService:
    """Keeps what workers register, and checks requests against it."""

    def __init__(self, jobs: Database) -> None:
        self._database = jobs
        self._functions = FunctionRepository()
        self._arguments = Arguments("function")

    async def keep(
        self, functions: Sequence[RegisteredFunction], *, tags: Collection[str] | None = None
    ) -> None:
        """Write what a worker says of its functions; raises `InvalidJobField`.

        One that is for some `tags` only changes nothing of a function whose jobs go to another.
        """
        check_functions(functions)

        def use_case(tx: Tx) -> None:
            # Its word could lead the jobs of others to itself.
            own = [one for one in functions if tags is None or self._is_within(tx, one.name, tags)]
            self._functions.keep(tx, own)

        if functions:
            await self._database.write(INSTALLATION, use_case)

    def _is_within(self, tx: Tx, name: str, tags: Collection[str]) -> bool:
        known = self._functions.find(tx, name)
        return known is None or (known.tag or default_tag) in tags

    async def admitted(
        self, request: JobRequest, hidden: Hidden
    ) -> tuple[JobRequest, Limits | None, str]:
        """Return the request with what holds for its function where it says nothing itself.

        The limits of the function stay apart from its own. The schema is that of its arguments.

        Raises `FunctionNotFound`, which knows the nearest name that is not hidden, and
        `ArgumentsInvalid`.
        """
        name = request.function or ""
        check_name(name)

        def use_case(tx: Tx) -> tuple[RegisteredFunction | None, list[str]]:
            found = self._functions.find(tx, name)
            return found, [] if found is not None else self._functions.names(tx)

        found, names = await self._database.read(INSTALLATION, use_case)
        if found is None:
            seen = [one for one in names if hidden(function_path(one)) is None]
            near = difflib.get_close_matches(name, seen, n=1)
            raise FunctionNotFound(name, near[0] if near else None)
        self._arguments.check(found.schema, request.args)
        admitted = structs.replace(
            request,
            tag=request.tag or found.tag,
            priority=found.priority if request.priority is None else request.priority,
            timeout_seconds=request.timeout_seconds or found.timeout_seconds,
            attempts_max=request.attempts_max or found.attempts_max,
        )
        limits = None if found.limits is None else limits_of(found.limits)
        return admitted, limits, found.schema

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


def check_functions(functions: Sequence[RegisteredFunction]) -> None:
    """Raise `InvalidJobField` where a worker says of its functions what cannot be."""
    for function in functions:
        if function.limits is not None:
            # A worker of an earlier release may say what has no effect, and works all the same.
            limits = limits_of(function.limits).consistent()
            check_limits(limits, where=f"{function.name}: limits")
