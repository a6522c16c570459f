"""How features reach repositories of git: only where the operator lets them."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any

from tidemill.core.config import Config
from tidemill.core.git import GIT, GitFailed
from tidemill.core.module import Port
from tidemill.infrastructure.git.repositories import CommandLineGit, GitLimits
from tidemill.jobs.execution.isolation.inside.addresses import Guard
from tidemill.jobs.execution.isolation.inside.answers import Failed


def repositories(config: Config) -> Mapping[Port[Any], object]:
    """Return what fills the port `GIT`."""
    git = config.git

    def guarded() -> Guard:
        # A guard remembers what it approved, which is for processes that end soon.
        return Guard(git.addresses_allowed, setting="git.addresses_allowed")

    def resolve(host: str, port: int) -> Sequence[str]:
        try:
            return guarded().resolve(host, port)
        except Failed as error:
            raise GitFailed(str(error)) from None

    def refusal_of(host: str, port: int) -> str | None:
        try:
            ipaddress.ip_address(host.partition("%")[0])
        except ValueError:
            return None
        guard = guarded()
        return None if guard.allows(host, host, port) else guard.refusal(host, host, port)

    limits = GitLimits(
        repository_bytes_max=git.repository_bytes_max,
        files_max=git.files_max,
        file_bytes_max=git.file_bytes_max,
        seconds_max=git.seconds_max,
        http_allowed=git.http_allowed,
        local_directory=git.local_directory,
    )
    return {GIT: CommandLineGit(resolve, refusal_of, limits)}
