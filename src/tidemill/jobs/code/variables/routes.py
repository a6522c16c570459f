"""HTTP of variables and secrets."""

from __future__ import annotations

from typing import Annotated, Any, Final

from litestar import Response
from litestar.connection import Request
from litestar.params import QueryParameter

from tidemill.core.actor import Actor
from tidemill.core.pages import PageRequest
from tidemill.http import Idempotency, Tagged, composed, delete, get, post, put
from tidemill.jobs.code.variables.models import Rotation
from tidemill.jobs.code.variables.schemas import (
    PutVariable,
    RotateSecrets,
    RotationView,
    ValueView,
    VariablePage,
    VariableView,
)
from tidemill.jobs.code.variables.service import VariableService
from tidemill.jobs.permissions import (
    READ_VALUES,
    READ_VARIABLES,
    ROTATE_SECRETS,
    WRITE_VARIABLES,
)

Path = Annotated[
    str,
    QueryParameter(name="path", min_length=1, max_length=200, description="What to read."),
]
UNKEPT: Final = {"Cache-Control": "no-store"}


@get("/variables", READ_VARIABLES)
async def list_variables(
    page: PageRequest, actor: Actor, variables: VariableService
) -> VariablePage:
    """List variables and secrets by path, without their values."""
    found = await variables.list(page, actor=actor)
    return VariablePage(
        items=[VariableView.of(variable, shown=False) for variable in found.items],
        next_cursor=found.next_cursor,
    )


@get("/variables/value", READ_VALUES)
async def get_variable_value(
    wanted: Path, actor: Actor, variables: VariableService
) -> Response[ValueView]:
    """Read the value of a variable or secret; reading a secret is audited."""
    variable, value = await variables.value(wanted, actor=actor)
    secrets = [value] if variable.is_secret else []
    view = ValueView(path=variable.path, value=value, secrets=secrets)
    return Response(view, headers=UNKEPT)


@get("/variables/{path:path}", READ_VARIABLES)
async def get_variable(
    path: str, actor: Actor, variables: VariableService, request: Request[Any, Any, Any]
) -> Tagged[VariableView]:
    """Read a variable by its path; the value of a secret is not shown."""
    variable = await variables.get(path, actor=actor)
    view = VariableView.of(variable, shown=True)
    return composed(view, version=variable.version, request=request, born=variable.created_at)


@put("/variables/{path:path}", WRITE_VARIABLES)
async def put_variable(
    *,
    path: str,
    data: PutVariable,
    actor: Actor,
    expected_version: int | None,
    variables: VariableService,
    request: Request[Any, Any, Any],
) -> Tagged[VariableView]:
    """Make a variable or secret, or change it."""
    variable = await variables.put(
        path,
        data.value,
        is_secret=data.is_secret,
        description=data.description,
        expected_version=expected_version,
        actor=actor,
    )
    view = VariableView.of(variable, shown=True)
    return composed(view, version=variable.version, request=request, born=variable.created_at)


@delete("/variables/{path:path}", WRITE_VARIABLES)
async def delete_variable(
    path: str, actor: Actor, expected_version: int | None, variables: VariableService
) -> None:
    """Delete a variable or secret to which no resource refers."""
    await variables.delete(path, expected_version=expected_version, actor=actor)


@post("/secret-rotations", ROTATE_SECRETS)
async def rotate_secrets(
    data: RotateSecrets, actor: Actor, idempotency: Idempotency, variables: VariableService
) -> RotationView:
    """Seal the tenant's keys by the current master key, and secrets anew on request."""
    once = idempotency.once(Rotation)
    return RotationView.of(await variables.rotate(renew=data.renew, actor=actor, once=once))


ROUTES = (
    list_variables,
    get_variable_value,
    get_variable,
    put_variable,
    delete_variable,
    rotate_secrets,
)
