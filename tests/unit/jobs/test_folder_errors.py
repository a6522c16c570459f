from __future__ import annotations

from tidemill.jobs.folder_errors import FolderDenied
from tidemill.jobs.folders.models import Level


def test_denied_names_the_right_as_people_write_it() -> None:
    told = FolderDenied("f/harbour/station", "the folder harbour", Level.WRITE).message

    assert told.startswith("f/harbour/station needs the right 'write' in the folder harbour.")
