"""Failures around templates of work items."""

from __future__ import annotations

from collections.abc import Iterable

from tidemill.board.errors import shown
from tidemill.core.errors import Conflict, InvalidInput, NotFound, RuleViolation


class ItemTemplateNotFound(NotFound):
    """There is no such template for this tenant."""

    code = "ITEM_TEMPLATE_NOT_FOUND"

    def __init__(self, reference: str, *, param: str | None = None) -> None:
        super().__init__(f"There is no template {shown(reference)}.", param=param)


class ItemTemplateNameTaken(Conflict):
    """Another template of the tenant, or of the project, has this name."""

    code = "ITEM_TEMPLATE_NAME_TAKEN"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"There is a template {shown(name)} already; upper and lower case are one. "
            "Choose another name.",
            param="name",
        )


class ItemTemplateChanged(Conflict):
    """Somebody changed the template since the version that the body expects."""

    code = "ITEM_TEMPLATE_CHANGED"

    def __init__(self, expected: int, current: int) -> None:
        super().__init__(
            f"You changed version {expected}, and it is at version {current} now. Read it again.",
            param="expected_version",
            headers={"ETag": f'"v{current}"'},
        )


class InvalidItemTemplate(InvalidInput):
    """The items of a template cannot be made, or are too many."""

    code = "INVALID_ITEM_TEMPLATE"

    def __init__(self, param: str, problem: str) -> None:
        super().__init__(f"{param}: {problem}", param=param)


class TemplateValuesMissing(InvalidInput):
    """Titles of a template name values that nobody gave."""

    code = "TEMPLATE_VALUES_MISSING"

    def __init__(self, names: Iterable[str], *, param: str) -> None:
        said = ", ".join(names)
        super().__init__(f"The titles of this template ask for: {said}. Give them.", param=param)


class TemplateOfAnotherProject(RuleViolation):
    """A template of one project makes no items of another."""

    code = "TEMPLATE_OF_ANOTHER_PROJECT"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The template {shown(name)} belongs to another project. "
            "Use one of this project or of the whole tenant.",
            param="project_id",
        )


class TooManyItemTemplates(RuleViolation):
    """The tenant has as many templates as it can."""

    code = "TOO_MANY_ITEM_TEMPLATES"

    def __init__(self, templates_max: int) -> None:
        super().__init__(f"There are {templates_max} templates; more are not possible. Delete one.")
