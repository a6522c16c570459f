"""Failures around kinds of work items."""

from __future__ import annotations

from collections.abc import Iterable

from tidemill.board.errors import shown
from tidemill.core.errors import Conflict, InvalidInput, NotFound, RuleViolation


class ItemKindNotFound(NotFound):
    """There is no such kind of work items for this tenant."""

    code = "ITEM_KIND_NOT_FOUND"

    def __init__(self, key: str, known: Iterable[str]) -> None:
        super().__init__(f"There is no kind {shown(key)}. There are: {', '.join(known)}.")


class UnknownItemType(InvalidInput):
    """No kind of work items has this key."""

    code = "UNKNOWN_ITEM_TYPE"

    def __init__(self, key: str, known: Iterable[str], *, param: str = "item_type") -> None:
        super().__init__(
            f"{shown(key)} is no kind of work item. Use one of: {', '.join(known)}.", param=param
        )


class ItemKindIsRetired(RuleViolation):
    """The kind is retired: no item becomes one of it any more."""

    code = "ITEM_KIND_IS_RETIRED"

    def __init__(self, key: str, known: Iterable[str]) -> None:
        super().__init__(
            f"The kind {key} is retired. Use one of: {', '.join(known)}.", param="item_type"
        )


class InvalidItemKind(InvalidInput):
    """A kind contradicts itself or the others."""

    code = "INVALID_ITEM_KIND"

    def __init__(self, param: str, problem: str) -> None:
        super().__init__(f"{param}: {problem}", param=param)


class ItemKindTaken(Conflict):
    """Another kind has this key or name."""

    code = "ITEM_KIND_TAKEN"

    def __init__(self, param: str, value: str) -> None:
        super().__init__(
            f"Another kind has the {param} {shown(value)} already, perhaps a retired one. "
            "Choose another, or change that kind.",
            param=param,
        )


class ItemKindIsBuiltIn(RuleViolation):
    """Epic, story, task and bug are always there."""

    code = "ITEM_KIND_IS_BUILT_IN"

    def __init__(self, key: str, problem: str, *, param: str | None = None) -> None:
        super().__init__(f"The kind {key} is built in: {problem}", param=param)


class ItemKindChanged(Conflict):
    """Somebody changed the kind since the version that the body expects."""

    code = "ITEM_KIND_CHANGED"

    def __init__(self, expected: int, current: int) -> None:
        super().__init__(
            f"You changed version {expected}, and it is at version {current} now. Read it again.",
            param="expected_version",
            headers={"ETag": f'"v{current}"'},
        )


class ItemKindInUse(Conflict):
    """Items, templates or other kinds need what the change would take away."""

    code = "ITEM_KIND_IN_USE"

    def __init__(self, problem: str, *, param: str | None = None) -> None:
        super().__init__(problem, param=param)


class TooManyItemKinds(RuleViolation):
    """The tenant has as many kinds as it can, retired ones among them."""

    code = "TOO_MANY_ITEM_KINDS"

    def __init__(self, kinds_max: int) -> None:
        super().__init__(f"There are {kinds_max} kinds; more are not possible. Delete one.")


class ChildrenDoNotFit(RuleViolation):
    """What lies below an item may not hang below the kind that it shall have."""

    code = "CHILDREN_DO_NOT_FIT"

    def __init__(self, problem: str) -> None:
        super().__init__(problem, param="item_type")
