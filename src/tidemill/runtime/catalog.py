"""The modules of Tidemill, each after those that it requires.

Third parties add theirs by the entry-point group `tidemill.modules`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.metadata import entry_points
from typing import Final

from tidemill.audit.module import MODULE as AUDIT
from tidemill.automation.module import MODULE as AUTOMATION
from tidemill.board.module import MODULE as BOARD
from tidemill.board.notifications_module import MODULE as NOTIFICATIONS
from tidemill.board.project_git_module import MODULE as PROJECT_GIT
from tidemill.core.module import Module
from tidemill.events.module import MODULE as EVENTS
from tidemill.identity.module import MODULE as IDENTITY
from tidemill.jobs.module import MODULE as JOBS
from tidemill.llm.module import MODULE as LLM
from tidemill.settings.module import MODULE as SETTINGS

CATALOG: Final = (
    EVENTS,
    AUDIT,
    SETTINGS,
    IDENTITY,
    BOARD,
    NOTIFICATIONS,
    JOBS,
    LLM,
    AUTOMATION,
    PROJECT_GIT,
)


@cache
def full_catalog() -> Sequence[Module]:
    """Return our modules, then those of installed third parties in the order of their names.

    What is installed is looked through once: a process keeps what it began with.
    """
    found = sorted(entry_points(group="tidemill.modules"), key=lambda entry: entry.name)
    return (*CATALOG, *(entry.load() for entry in found))
