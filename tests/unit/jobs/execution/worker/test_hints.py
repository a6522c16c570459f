from __future__ import annotations

import pytest
from msgspec import structs

from tidemill.jobs.execution.packages.models import packages_of
from tidemill.jobs.execution.worker.hints import hint_of
from tidemill.jobs.protocol.messages import Assignment, Isolation

JOB = Assignment(
    job_id="j",
    epoch=1,
    attempt=1,
    tenant_id="t",
    language="python",
    content_hash="",
    content="",
    arguments=b"{}",
    isolation=Isolation.SANDBOX,
    timeout_seconds=1,
    token="",
    modules={"harbour/tides": ""},
)
NO_NAME = {"type": "URLError", "message": "<urlopen error [Errno -2] Name or service not known>"}
NO_ROUTE = {"type": "OSError", "message": "[Errno 101] Network is unreachable"}


def missing(name: str) -> dict[str, str]:
    return {"type": "ModuleNotFoundError", "message": f"No module named '{name}'"}


def test_hint_of_a_missing_module_is_a_header_that_names_its_package() -> None:
    hint = hint_of(JOB, missing("humanize.time"))

    assert hint is not None
    lines = hint.split('"')[1:6:2]
    assert packages_of(["\n".join(lines)]).dependencies == ("humanize",)


@pytest.mark.parametrize("name", ["harbour.crane", "tkinter"])
def test_hint_of_a_missing_module_is_none_where_no_package_has_it(name: str) -> None:
    assert hint_of(JOB, missing(name)) is None


@pytest.mark.parametrize("isolation", [Isolation.SANDBOX, Isolation.WARM])
@pytest.mark.parametrize("error", [NO_NAME, NO_ROUTE])
def test_hint_of_a_closed_network_says_what_reaches_it(
    isolation: Isolation, error: dict[str, str]
) -> None:
    hint = hint_of(structs.replace(JOB, isolation=isolation), error)

    assert hint is not None
    assert hint.startswith(f"In {isolation} a script has no network")


def test_hint_of_a_permission_for_the_network_is_told_in_typescript() -> None:
    message = 'Requires net access to "example.org:80", run again with the --allow-net flag'
    job = structs.replace(JOB, language="typescript")

    assert hint_of(job, {"type": "NotCapable", "message": message})
    assert not hint_of(job, {"type": "NotCapable", "message": 'Requires read access to "/x"'})


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"isolation": Isolation.FORK}, NO_ROUTE),
        ({"language": "bash"}, NO_ROUTE),
        ({}, {"type": "ConnectionRefusedError", "message": "[Errno 111] Connection refused"}),
        ({}, {"type": "ModuleNotFoundError", "message": "said by the script"}),
    ],
)
def test_hint_of_what_may_have_other_causes_is_none(
    changes: dict[str, object], error: dict[str, str]
) -> None:
    assert hint_of(structs.replace(JOB, **changes), error) is None
