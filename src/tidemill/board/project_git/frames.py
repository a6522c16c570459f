"""The files that say what a project is beside its items; no I/O.

The board alone writes them.
"""

from __future__ import annotations

from typing import Final

import msgspec
import yaml

from tidemill.board.project_documents.models import Head

NAMES: Final = ("project.yaml", "workflow.yaml", "labels.yaml", "sprints.yaml")
_PROJECT: Final = ("key", "name", "description", "status", "time_zone")
_SPRINT: Final = ("name", "goal", "start_date", "end_date", "status")


def frame_files(head: Head) -> dict[str, str]:
    """Return the text of each file."""
    project = msgspec.to_builtins(head.project)
    sprints = [msgspec.to_builtins(sprint) for sprint in head.sprints]
    said: dict[str, object] = {
        "project.yaml": {name: project[name] for name in _PROJECT},
        "labels.yaml": {"labels": msgspec.to_builtins(head.labels)},
        "sprints.yaml": {"sprints": [{name: one[name] for name in _SPRINT} for one in sprints]},
    }
    if head.workflow is not None:
        said["workflow.yaml"] = msgspec.to_builtins(head.workflow)
    return {
        name: yaml.safe_dump(value, sort_keys=False, allow_unicode=True)
        for name, value in said.items()
    }
