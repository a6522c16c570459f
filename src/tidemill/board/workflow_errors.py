"""Failures around workflows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tidemill.core.errors import Conflict, InvalidInput, RuleViolation


class InvalidWorkflow(InvalidInput):
    """A workflow contradicts itself, or has more than fits."""

    code = "INVALID_WORKFLOW"

    def __init__(self, param: str, problem: str) -> None:
        super().__init__(f"{param}: {problem}", param=param)


class StatusInUse(Conflict):
    """Items have statuses that the new workflow lacks, and nobody said where they go."""

    code = "STATUS_IN_USE"

    def __init__(self, counts: Mapping[str, int], left: Sequence[str]) -> None:
        told = ", ".join(f"{count} in {status}" for status, count in counts.items())
        example = next(iter(counts))
        super().__init__(
            f"Items have statuses that the new workflow lacks, deleted items among them: {told}. "
            f'Say in moves where they go, such as {{"{example}": "{left[0]}"}}.',
            param="moves",
        )


class TransitionGuarded(RuleViolation):
    """The workflow asks for more before an item may make this move, or begin where it leads."""

    code = "TRANSITION_GUARDED"

    def __init__(self, old: str | None, new: str, unmet: Sequence[tuple[str, str]]) -> None:
        told = " ".join(f"{guard}: {remedy}" for guard, remedy in unmet)
        where = f"From {old} to {new}" if old is not None else f"To come in as {new}"
        super().__init__(f"{where} the workflow has conditions. {told}", param="status")
