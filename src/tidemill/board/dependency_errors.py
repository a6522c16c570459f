"""Failures of what joins work items."""

from __future__ import annotations

from collections.abc import Sequence

from tidemill.board.errors import shown
from tidemill.core.errors import Conflict, InvalidInput, NotFound, RuleViolation


class DependencyNotFound(NotFound):
    """There is no such dependency for this tenant, or it was removed."""

    code = "DEPENDENCY_NOT_FOUND"

    def __init__(self, dependency_id: str) -> None:
        super().__init__(f"There is no dependency {shown(dependency_id)}.")


class SelfDependency(RuleViolation):
    """An item was joined to itself."""

    code = "SELF_DEPENDENCY"

    def __init__(self, key: str, *, param: str = "blocked_item_id") -> None:
        super().__init__(f"{key} cannot be joined to itself. Name another item.", param=param)


class DependencyExists(Conflict):
    """The two items are joined by this type already, in this direction or the other."""

    code = "DEPENDENCY_EXISTS"

    def __init__(self, sentence: str, *, param: str = "blocked_item_id") -> None:
        super().__init__(f"There is this dependency already: {sentence}.", param=param)


class DependencyCycle(Conflict):
    """One of the items would wait for itself."""

    code = "DEPENDENCY_CYCLE"

    def __init__(self, path: str, *, param: str) -> None:
        super().__init__(
            f"That would go round in a circle: {path}. Remove one of these links first.",
            param=param,
        )


class DependencyCycles(Conflict):
    """Some dependencies of a list would make items wait for themselves."""

    code = "DEPENDENCY_CYCLES"

    def __init__(self, wrong: Sequence[tuple[int, str]]) -> None:
        listed = "; ".join(f"dependencies[{place}]: {sentence}" for place, sentence in wrong)
        super().__init__(
            f"No order of the items satisfies these of the list: {listed}. Nothing was written.",
            param=f"dependencies[{wrong[0][0]}]",
        )


class TooManyDependencies(Conflict):
    """An item has as many dependencies as it can have."""

    code = "TOO_MANY_DEPENDENCIES"

    def __init__(self, key: str, count_max: int) -> None:
        super().__init__(
            f"{key} has {count_max} dependencies, the most that an item can have. "
            "Remove some, or join the items over a parent."
        )


class CloseNeedsDuplicate(InvalidInput):
    """Only what duplicates another item can be closed by joining the two."""

    code = "CLOSE_NEEDS_DUPLICATE"

    def __init__(self, *, param: str = "close") -> None:
        super().__init__(
            "close is for the type duplicates: it cancels the item that duplicates another.",
            param=param,
        )


class BlockersUnfinished(Conflict):
    """The tenant wants blocked items to wait, and others must be finished before this one."""

    code = "BLOCKERS_UNFINISHED"

    def __init__(self, blockers: Sequence[str], count: int) -> None:
        more = " and others" if count > len(blockers) else ""
        super().__init__(
            f"The item waits for {', '.join(blockers)}{more}. Finish those first, or remove the "
            "dependencies.",
            param="status",
        )


class GraphTooLarge(RuleViolation):
    """A project has more dependencies than its critical path can be looked for in."""

    code = "GRAPH_TOO_LARGE"

    def __init__(self, count_max: int) -> None:
        super().__init__(
            f"More than {count_max} dependencies join unfinished items of this project. "
            "Finish or remove some to see its critical path."
        )
