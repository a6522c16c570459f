"""From what a request names to the code that its job runs."""

from __future__ import annotations

import hashlib
from functools import lru_cache

from tidemill.core.actor import Actor
from tidemill.jobs.code.functions.models import FUNCTION
from tidemill.jobs.code.scripts.models import Script
from tidemill.jobs.code.scripts.service import ScriptService
from tidemill.jobs.contract import JobRequest
from tidemill.jobs.execution.languages.bash import check_bash
from tidemill.jobs.execution.languages.models import Language
from tidemill.jobs.limits.models import Limits, limits_of
from tidemill.jobs.queueing.queue.requests import Code
from tidemill.jobs.requirements.models import requires_of


async def code_of(
    scripts: ScriptService,
    request: JobRequest,
    actor: Actor,
    known: dict[str, Script] | None = None,
    *,
    allowed: bool = False,
) -> Code:
    """Return what a checked request runs; raises what `runnable` and `checked_inline` raise.

    Who prepares many requests keeps in `known` the scripts that were found; `allowed` is whether
    the folders were asked.
    """
    if request.function is not None:
        return _function(request.function)
    if request.script_path is not None:
        script = await scripts.runnable(
            request.script_path, request.args, actor=actor, known=known, allowed=allowed
        )
        limits = None if script.limits is None else limits_of(script.limits)
        return Code(
            language=script.language,
            content_hash=script.content_hash,
            script_path=script.path,
            limits=limits,
            shares=_is_cached(request, limits) and not await scripts.asks(actor.tenant_id, script),
            isolation=script.isolation,
            requires=None if script.requires is None else requires_of(script.requires),
            affinity_key=script.affinity_key,
            attempts_max=script.attempts_max,
            needs=f"{script.lock_hash or ''}{script.imports}",
            schema=script.schema,
        )
    assert request.content is not None  # noqa: S101 - `check` has seen it
    assert request.language is not None  # noqa: S101 - `check` has seen it
    language, schema = scripts.checked_inline(request.language, request.content, request.args)
    if language == Language.BASH:
        await check_bash(request.content)
    digest = hashlib.sha256(request.content.encode()).hexdigest()
    return Code(language=language, content_hash=digest, content=request.content, schema=schema)


def _is_cached(request: JobRequest, limits: Limits | None) -> bool:
    return any(
        one is not None and one.cache_seconds is not None for one in (request.limits, limits)
    )


@lru_cache(maxsize=4096)
def _function(name: str) -> Code:
    digest = hashlib.sha256(name.encode()).hexdigest()
    return Code(language=FUNCTION, content_hash=digest, content=name)
