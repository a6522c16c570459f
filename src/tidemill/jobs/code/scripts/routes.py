"""HTTP of scripts."""

from __future__ import annotations

from typing import Any

from litestar.connection import Request

from tidemill.core.actor import Actor
from tidemill.core.pages import PageRequest, page_request
from tidemill.http import Idempotency, Tagged, composed, delete, get, post
from tidemill.http.parameters import Cursor, Limit
from tidemill.jobs.code.scripts.models import Script
from tidemill.jobs.code.scripts.schemas import (
    DeployScript,
    ScriptPage,
    ScriptView,
    VersionPage,
    VersionView,
)
from tidemill.jobs.code.scripts.service import Deployment, ScriptService
from tidemill.jobs.permissions import READ_SCRIPTS, WRITE_SCRIPTS


@post("/scripts", WRITE_SCRIPTS)
async def deploy_script(
    data: DeployScript,
    actor: Actor,
    idempotency: Idempotency,
    scripts: ScriptService,
    request: Request[Any, Any, Any],
) -> Tagged[ScriptView]:
    """Deploy a script: add a version and make it the one that runs.

    The schema of its arguments is inferred from `main`'s parameters and type hints (Python) or
    from lines such as `name="$1"` (bash). The text that runs already gives no new version.
    """
    wanted = Deployment(
        path=data.path,
        language=data.language,
        content=data.content,
        limits=data.limits,
        isolation=data.isolation,
        requires=data.requires,
        affinity_key=data.affinity_key,
        attempts_max=data.attempts_max,
    )
    script = await scripts.deploy(wanted, actor=actor, once=idempotency.once(Script))
    return composed(ScriptView.of(script), version=script.head.number, request=request)


@get("/scripts", READ_SCRIPTS)
async def list_scripts(page: PageRequest, actor: Actor, scripts: ScriptService) -> ScriptPage:
    """List the scripts in use, by path."""
    found = await scripts.list(page, actor=actor)
    return ScriptPage(
        items=[ScriptView.of(script) for script in found.items], next_cursor=found.next_cursor
    )


@get("/scripts/{path:path}", READ_SCRIPTS)
async def get_script(
    path: str, actor: Actor, scripts: ScriptService, request: Request[Any, Any, Any]
) -> Tagged[ScriptView]:
    """Read a script by its path, with the content that runs."""
    script, content = await scripts.get(path, actor=actor)
    return composed(ScriptView.of(script, content), version=script.head.number, request=request)


@get("/script-versions", READ_SCRIPTS)
async def list_script_versions(
    path: str,
    actor: Actor,
    scripts: ScriptService,
    limit: Limit = None,
    cursor: Cursor = None,
) -> VersionPage:
    """List the versions of the script at `path`, the latest first."""
    page = page_request(limit, cursor, f"versions:{path}")
    found = await scripts.versions(path, page, actor=actor)
    return VersionPage(
        items=[VersionView.of(version) for version in found.items], next_cursor=found.next_cursor
    )


@delete("/scripts/{path:path}", WRITE_SCRIPTS)
async def archive_script(path: str, actor: Actor, scripts: ScriptService) -> None:
    """Take a script out of use; its versions stay, and deploying it again brings it back."""
    await scripts.archive(path, actor=actor)


ROUTES = (deploy_script, list_scripts, get_script, list_script_versions, archive_script)
