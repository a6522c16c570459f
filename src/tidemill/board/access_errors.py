"""What keeps people from doing something in a project."""

from __future__ import annotations

from tidemill.board.errors import shown
from tidemill.core.errors import Forbidden, NotFound, RuleViolation


class ProjectRoleNeeded(Forbidden):
    """What somebody may do in a project does not include this."""

    code = "PROJECT_ROLE_NEEDED"

    def __init__(self, needed: str, role: str) -> None:
        super().__init__(
            f"This needs the role {needed} in the project, and yours is {role}. "
            "Ask an owner of the project."
        )


class TenantRoleNeeded(Forbidden):
    """What concerns no single project needs a role in the tenant."""

    code = "TENANT_ROLE_NEEDED"

    def __init__(self, needed: str) -> None:
        super().__init__(f"This needs the role {needed} in the tenant, or a higher one.")


class AssigneeWithoutAccess(RuleViolation):
    """Whoever shall do an item could not see it."""

    code = "ASSIGNEE_WITHOUT_ACCESS"

    def __init__(self, user_id: str, project_key: str, *, param: str = "assignee_id") -> None:
        super().__init__(
            f"{shown(user_id)} does not see the project {project_key}. "
            "Make that person a member of the project first.",
            param=param,
        )


class ProjectMemberUnknown(RuleViolation):
    """Whoever shall have a role in a project is no active member of the tenant."""

    code = "PROJECT_MEMBER_UNKNOWN"

    def __init__(self, user: str) -> None:
        super().__init__(
            f"{shown(user)} is the id of no active member. `tidemill members list` tells ids.",
            param="user_id",
        )


class ProjectMemberNotFound(NotFound):
    """Somebody has no role in the project."""

    code = "PROJECT_MEMBER_NOT_FOUND"

    def __init__(self, user: str) -> None:
        super().__init__(f"{shown(user)} has no role in this project.")
