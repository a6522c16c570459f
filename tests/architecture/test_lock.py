"""`requirements.lock` pins all that `pyproject.toml` asks for."""

from __future__ import annotations

import re
import tomllib
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.sources import ROOT

PINNED: Final = re.compile(r"([A-Za-z0-9._-]+)(?:\[[^\]]+\])?==(\S+)(?: ; .+)?")


def _lock() -> dict[str, str]:
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    wanted = [line for line in lines if line and not line.startswith("#")]
    pins = [PINNED.fullmatch(line) for line in wanted]
    loose = [line for line, pin in zip(wanted, pins, strict=True) if pin is None]
    assert loose == [], "only NAME==VERSION may stand there"
    return {canonicalize_name(pin[1]): pin[2] for pin in pins if pin}


def test_lock_pins_every_dependency_within_its_range() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = project["project"]["dependencies"] + project["dependency-groups"]["dev"]
    lock = _lock()

    for requirement in map(Requirement, wanted):
        version = lock.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement.name} is not pinned: run `make lock`"
        assert requirement.specifier.contains(version), f"{requirement} but {version} is pinned"
