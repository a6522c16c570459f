"""Projects in repositories of git, as the runtime sees them."""

from __future__ import annotations

from typing import Final

import uuid_utils

from tidemill.board.contract import BOARD
from tidemill.board.module import limits_of
from tidemill.board.project_git.routes import ROUTES
from tidemill.board.project_git.runner import GitRunner
from tidemill.board.project_git.service import GitBindingService, GitCredentials
from tidemill.board.project_git.syncing.service import Syncing
from tidemill.board.work_items.changing.models import Rules
from tidemill.core.actor import Actor
from tidemill.core.git import GIT
from tidemill.core.module import Module, Offer, Parts
from tidemill.core.sealing import SEALING
from tidemill.events import Marks
from tidemill.identity import IDENTITY
from tidemill.settings import SETTINGS

hold_seconds_spare: Final = 60.0
_TRIES: Final = 3


def build(parts: Parts) -> Offer:
    """Return what it offers to a process; syncs are done where jobs are dispatched."""
    sealing = parts.get(SEALING)
    credentials = GitCredentials(sealing)
    sealing.on_renewal(credentials.seal_again)
    marks = Marks(parts.control, "project_git")
    repositories = parts.get(GIT)
    runner = _runner(parts, credentials, marks) if parts.config.dispatcher.enabled else None
    return Offer(
        routes=ROUTES,
        dependencies={
            "project_git": GitBindingService(
                parts.tenants,
                repositories,
                credentials,
                marks,
                _nobody if runner is None else runner.wake,
            )
        },
        services=() if runner is None else (runner,),
    )


def _nobody() -> None:
    """Leave it to the process that looks every few seconds."""


def _runner(parts: Parts, credentials: GitCredentials, marks: Marks) -> GitRunner:
    settings = parts.get(SETTINGS)

    async def rules(actor: Actor) -> Rules:
        return Rules(
            sprint_types=tuple(await settings.get_for("board.sprint_item_types", actor)),
            blocked_items_wait=bool(await settings.get_for("board.blocked_items_wait", actor)),
        )

    syncing = Syncing(
        parts.tenants,
        limits_of(parts.config),
        credentials.opened,
        hold_seconds=parts.config.git.seconds_max * _TRIES + hold_seconds_spare,
    )
    return GitRunner(
        syncing,
        parts.get(GIT),
        parts.get(IDENTITY),
        marks,
        rules,
        holder=str(uuid_utils.uuid7()),
    )


MODULE: Final = Module(
    name="project_git", build=build, requires=(BOARD, SEALING, GIT, IDENTITY, SETTINGS)
)
