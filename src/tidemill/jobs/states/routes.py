"""HTTP of states."""

from __future__ import annotations

from typing import Annotated

from litestar.params import QueryParameter

from tidemill.core.actor import Actor
from tidemill.http import get, put
from tidemill.jobs.permissions import READ_JOBS, RUN_JOBS
from tidemill.jobs.states.schemas import PutState, StateView
from tidemill.jobs.states.service import StateService

Path = Annotated[
    str,
    QueryParameter(
        name="path", min_length=1, max_length=200, description="The script that it belongs to."
    ),
]


@get("/script-states", READ_JOBS)
async def get_script_state(script: Path, actor: Actor, script_states: StateService) -> StateView:
    """Read what a script has kept from its last run."""
    return StateView.of(script, await script_states.find(script, actor=actor))


@put("/script-states", RUN_JOBS)
async def put_script_state(
    script: Path, data: PutState, actor: Actor, script_states: StateService
) -> StateView:
    """Keep a value, up to 64 KiB as JSON, for the next run of a script."""
    return StateView.of(script, await script_states.put(script, data.value, actor=actor))


ROUTES = (get_script_state, put_script_state)
