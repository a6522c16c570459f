from __future__ import annotations

import pytest
from msgspec import structs

from tidemill.board.contract import ProjectId
from tidemill.board.errors import InvalidProjectKey, InvalidText, NullNotAllowed
from tidemill.board.limits import BoardLimits
from tidemill.board.projects.models import (
    Project,
    ProjectChanges,
    ProjectStatus,
    Stamp,
    changed,
    differences,
    new_project,
)
from tidemill.core.clock import Instant

_LIMITS = BoardLimits()
_STAMP = Stamp(at=Instant(1), by="ada")
_LATER = Stamp(at=Instant(2), by="bo")


def _a_project(key: str = "TM", name: str = "Tide", description: str | None = None) -> Project:
    return new_project(ProjectId("p"), (key, name, description), _STAMP, _LIMITS)


@pytest.mark.parametrize("key", ["T", "TM", "TM2", "ABCDEFGHIJ"])
def test_new_project_takes_the_key(key: str) -> None:
    assert _a_project(key).key == key


@pytest.mark.parametrize("key", ["", "tm", "1TM", "T-M", "ABCDEFGHIJK", "TÄ", "T\0", "TM\n"])
def test_new_project_refuses_the_key(key: str) -> None:
    with pytest.raises(InvalidProjectKey):
        _a_project(key)


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "a\0b"])
def test_new_project_refuses_the_name(name: str) -> None:
    with pytest.raises(InvalidText) as refused:
        _a_project(name=name)
    assert refused.value.param == "name"


def test_new_project_refuses_a_long_description() -> None:
    with pytest.raises(InvalidText) as refused:
        _a_project(description="x" * 10_001)
    assert refused.value.param == "description"


def test_changed_gives_the_same_project_when_nothing_differs() -> None:
    project = _a_project()

    same = changed(
        project, ProjectChanges(name=" Tide ", status=ProjectStatus.ACTIVE), _LATER, _LIMITS
    )

    assert same is project


def test_changed_archives_once_and_reopens() -> None:
    project = _a_project()
    archived = changed(project, ProjectChanges(status=ProjectStatus.ARCHIVED), _LATER, _LIMITS)

    assert archived.archived_at == 2
    assert (archived.version, archived.updated_by, archived.created_by) == (2, "bo", "ada")
    assert [(change.old_value, change.new_value) for change in differences(project, archived)] == [
        ("active", "archived")
    ]
    again = changed(archived, ProjectChanges(status=ProjectStatus.ARCHIVED), _STAMP, _LIMITS)
    assert again is archived
    reopened = changed(archived, ProjectChanges(status=ProjectStatus.ACTIVE), _LATER, _LIMITS)
    assert structs.replace(reopened, version=1, updated_at=Instant(1), updated_by="ada") == project


@pytest.mark.parametrize("field", ["name", "status"])
def test_changed_refuses_null(field: str) -> None:
    with pytest.raises(NullNotAllowed):
        changed(_a_project(), ProjectChanges(**{field: None}), _LATER, _LIMITS)
