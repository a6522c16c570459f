"""Failures around labels."""

from __future__ import annotations

from tidemill.board.errors import shown
from tidemill.core.errors import Conflict, InvalidInput, NotFound, RuleViolation


class LabelNotFound(NotFound):
    """There is no such label for this tenant and project, or it was deleted."""

    code = "LABEL_NOT_FOUND"

    def __init__(self, reference: str, *, param: str | None = None) -> None:
        super().__init__(f"There is no label {shown(reference)}.", param=param)


class LabelNameTaken(Conflict):
    """Another label of the tenant, or of the project, has this name."""

    code = "LABEL_NAME_TAKEN"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"There is a label {shown(name)} already; upper and lower case are one. "
            "Choose another name.",
            param="name",
        )


class LabelChanged(Conflict):
    """Somebody changed the label since the version that the body expects."""

    code = "LABEL_CHANGED"

    def __init__(self, expected: int, current: int) -> None:
        super().__init__(
            f"You changed version {expected}, and it is at version {current} now. Read it again.",
            param="expected_version",
            headers={"ETag": f'"v{current}"'},
        )


class InvalidLabelName(InvalidInput):
    """A label's name could be taken for something else."""

    code = "INVALID_LABEL_NAME"

    def __init__(self, problem: str) -> None:
        super().__init__(f"A label's name {problem}.", param="name")


class InvalidColor(InvalidInput):
    """A colour has another form than #rrggbb."""

    code = "INVALID_COLOR"

    def __init__(self, color: str) -> None:
        super().__init__(
            f"{shown(color)} is no colour. Write # and six hexadecimal digits, such as #0aa2c0.",
            param="color",
        )


class LabelOfAnotherProject(RuleViolation):
    """A label of one project cannot be on an item of another."""

    code = "LABEL_OF_ANOTHER_PROJECT"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The label {shown(name)} belongs to another project. "
            "Use one of this project or of the whole tenant.",
            param="labels",
        )


class TooManyLabels(RuleViolation):
    """An item bears as many labels as it can."""

    code = "TOO_MANY_LABELS"

    def __init__(self, count: int, count_max: int) -> None:
        super().__init__(
            f"The item would bear {count} labels; {count_max} are the limit.", param="labels"
        )


class LabelsAmbiguous(InvalidInput):
    """All labels of an item were given, and some to add or to remove as well."""

    code = "LABELS_AMBIGUOUS"

    def __init__(self) -> None:
        super().__init__(
            "Give all labels in labels, or changes in add_labels and remove_labels.",
            param="labels",
        )
