from __future__ import annotations

import os

import pytest

from tidemill.jobs.execution.isolation.inside.order import surround


def test_surround_leaves_the_given_variables_and_those_of_every_job(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    environment = {"LEFT": "by the last job", "KEPT": "same", "CHANGED": "before"}
    for name in os.environ:
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    surround("/tmp/job", {"KEPT": "same", "CHANGED": "hidden"}, {"CHANGED": "after"})  # noqa: S108

    assert dict(os.environ) == {
        "CHANGED": "after",
        "HOME": "/tmp/job",  # noqa: S108
        "KEPT": "same",
        "LANG": "C.UTF-8",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "TMPDIR": "/tmp",  # noqa: S108
    }
