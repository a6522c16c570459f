"""HTTP of states."""

from __future__ import annotations

from typing import Annotated

from litestar.params import QueryParameter

from tidemill.core.actor import Actor
from tidemill.http import get, put
from tidemill.jobs.code.states.schemas import FunctionStateView, PutState, ScriptStateView
from tidemill.jobs.code.states.service import FunctionStateService, ScriptStateService
from tidemill.jobs.permissions import READ_JOBS, RUN_JOBS

Path = Annotated[
    str,
    QueryParameter(
        name="path", min_length=1, max_length=200, description="The script that it belongs to."
    ),
]
Name = Annotated[
    str,
    QueryParameter(
        name="name",
        min_length=1,
        max_length=200,
        description="The function, `package.module:name`.",
    ),
]


@get("/script-states", READ_JOBS)
async def get_script_state(
    script: Path, actor: Actor, script_states: ScriptStateService
) -> ScriptStateView:
    """Read what a script has kept from its last run."""
    return ScriptStateView.of(script, await script_states.find(script, actor=actor))


@put("/script-states", RUN_JOBS)
async def put_script_state(
    script: Path, data: PutState, actor: Actor, script_states: ScriptStateService
) -> ScriptStateView:
    """Keep a value, up to 64 KiB as JSON, for the next run of a script."""
    return ScriptStateView.of(script, await script_states.put(script, data.value, actor=actor))


@get("/function-states", READ_JOBS)
async def get_function_state(
    function: Name, actor: Actor, function_states: FunctionStateService
) -> FunctionStateView:
    """Read what a function has kept from its last job."""
    return FunctionStateView.of(function, await function_states.find(function, actor=actor))


@put("/function-states", RUN_JOBS)
async def put_function_state(
    function: Name, data: PutState, actor: Actor, function_states: FunctionStateService
) -> FunctionStateView:
    """Keep a value, up to 64 KiB as JSON, for the next job of a function."""
    kept = await function_states.put(function, data.value, actor=actor)
    return FunctionStateView.of(function, kept)


ROUTES = (get_script_state, put_script_state, get_function_state, put_function_state)
