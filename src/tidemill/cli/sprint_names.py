"""Which sprint people mean by its name."""

from __future__ import annotations

import re
from typing import Final

from tidemill.cli.client import Client
from tidemill.cli.failures import CommandFailed, ExitCode

_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def sprint_id_of(client: Client, sprint: str, project: str | None) -> str:
    """Return the id of the sprint that people call so."""
    if _UUID.fullmatch(sprint):
        return sprint.lower()
    if project is None:
        raise CommandFailed("Name the project, too, by -p.", ExitCode.USAGE, param="project")
    called = [
        str(row["id"])
        for row in client.pages("/sprints", limit=None, project_id=project)
        if row["name"] == sprint
    ]
    if len(called) == 1:
        return called[0]
    if called:
        raise CommandFailed(
            f"{len(called)} sprints of {project} are called so. Take an id from "
            f"`tidemill sprints list {project}`.",
            ExitCode.CONFLICT,
        )
    raise CommandFailed(f"No sprint of {project} is called {sprint}.", ExitCode.NOT_FOUND)
