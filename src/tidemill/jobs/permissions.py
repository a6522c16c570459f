"""What one may be allowed to do with scripts, jobs and workers."""

from __future__ import annotations

from typing import Final

from tidemill.core.actor import Role
from tidemill.core.authorization import Permission, Scope

READ_SCRIPTS: Final = Permission(
    name="jobs.scripts.read", role=Role.VIEWER, scope=Scope.READ, resource_scope="jobs:run"
)
WRITE_SCRIPTS: Final = Permission(
    name="jobs.scripts.write", role=Role.MEMBER, scope=Scope.WRITE, resource_scope="scripts:write"
)
READ_JOBS: Final = Permission(
    name="jobs.jobs.read", role=Role.VIEWER, scope=Scope.READ, resource_scope="jobs:run"
)
RUN_JOBS: Final = Permission(
    name="jobs.jobs.run", role=Role.MEMBER, scope=Scope.WRITE, resource_scope="jobs:run"
)
READ_SCHEDULES: Final = Permission(
    name="jobs.schedules.read", role=Role.VIEWER, scope=Scope.READ, resource_scope="jobs:run"
)
WRITE_SCHEDULES: Final = Permission(
    name="jobs.schedules.write",
    role=Role.MEMBER,
    scope=Scope.WRITE,
    resource_scope="schedules:write",
)
RUN_SCHEDULES: Final = Permission(
    name="jobs.schedules.run", role=Role.MEMBER, scope=Scope.WRITE, resource_scope="jobs:run"
)
READ_VARIABLES: Final = Permission(
    name="jobs.variables.read", role=Role.VIEWER, scope=Scope.READ, resource_scope="jobs:run"
)
WRITE_VARIABLES: Final = Permission(
    name="jobs.variables.write",
    role=Role.MEMBER,
    scope=Scope.WRITE,
    resource_scope="variables:write",
)
READ_RESOURCES: Final = Permission(
    name="jobs.resources.read", role=Role.VIEWER, scope=Scope.READ, resource_scope="jobs:run"
)
WRITE_RESOURCES: Final = Permission(
    name="jobs.resources.write",
    role=Role.MEMBER,
    scope=Scope.WRITE,
    resource_scope="resources:write",
)
READ_FOLDERS: Final = Permission(
    name="jobs.folders.read", role=Role.VIEWER, scope=Scope.READ, resource_scope="jobs:run"
)
WRITE_FOLDERS: Final = Permission(
    name="jobs.folders.write", role=Role.MEMBER, scope=Scope.WRITE, resource_scope="folders:write"
)
READ_VALUES: Final = Permission(
    name="jobs.values.read", role=Role.MEMBER, scope=Scope.WRITE, resource_scope="jobs:run"
)
ROTATE_SECRETS: Final = Permission(name="jobs.secrets.rotate", role=Role.ADMIN, scope=Scope.ADMIN)
READ_STRATEGIES: Final = Permission(
    name="jobs.strategies.read", role=Role.VIEWER, scope=Scope.READ, resource_scope="jobs:run"
)
WRITE_STRATEGIES: Final = Permission(
    name="jobs.strategies.write", role=Role.OWNER, scope=Scope.ADMIN
)
READ_WORKERS: Final = Permission(name="jobs.workers.read", role=Role.VIEWER, scope=Scope.READ)
DRAIN_WORKERS: Final = Permission(name="jobs.workers.drain", role=Role.OWNER, scope=Scope.ADMIN)
WRITE_RETENTION: Final = Permission(
    name="jobs.retention_rules.write", role=Role.ADMIN, scope=Scope.ADMIN
)
PAUSE_TAGS: Final = Permission(name="jobs.tags.pause", role=Role.MEMBER, scope=Scope.WRITE)

PERMISSIONS: Final = (
    READ_SCRIPTS,
    WRITE_SCRIPTS,
    READ_JOBS,
    RUN_JOBS,
    READ_SCHEDULES,
    WRITE_SCHEDULES,
    RUN_SCHEDULES,
    READ_VARIABLES,
    WRITE_VARIABLES,
    READ_RESOURCES,
    WRITE_RESOURCES,
    READ_FOLDERS,
    WRITE_FOLDERS,
    READ_VALUES,
    ROTATE_SECRETS,
    READ_STRATEGIES,
    WRITE_STRATEGIES,
    READ_WORKERS,
    DRAIN_WORKERS,
    PAUSE_TAGS,
    WRITE_RETENTION,
)
