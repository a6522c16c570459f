"""Use cases of people stand behind the walls of projects."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

BOARD: Final = Path("src/tidemill/board")
# They act for nobody: what they read is told to those alone who may hear of it.
_FOR_NOBODY: Final = {
    "blobs/service.py", "notification_mails/service.py", "reminders/service.py",
    "unsubscribing/service.py",
    "project_git/syncing/service.py",
    "project_access/database.py", "project_access/live/service.py",
}  # fmt: skip


def test_project_walls_stand_before_every_use_case_of_people() -> None:
    bare = {
        str(file.relative_to(BOARD))
        for file in BOARD.rglob("*.py")
        if re.search(r"self\._tenants = (?!WalledDatabase\()", file.read_text(encoding="utf-8"))
    }

    assert bare == _FOR_NOBODY, "wrap the tenants' stores in a WalledDatabase"
