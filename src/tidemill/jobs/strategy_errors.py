"""Every failure of tags, of their strategies, and of what jobs ask of a worker."""

from __future__ import annotations

from tidemill.core.errors import Conflict, Forbidden, InvalidInput, RuleViolation


class InvalidStrategy(InvalidInput):
    """A strategy has a value outside its limits."""

    code = "INVALID_STRATEGY"

    def __init__(self, param: str, right: str) -> None:
        super().__init__(f"{param} must be {right}.", param=param)


class StrategyOperatorNeeded(Forbidden):
    """Workers serve all tenants, so only an operator says how their jobs are placed."""

    code = "STRATEGY_OPERATOR_NEEDED"

    def __init__(self) -> None:
        super().__init__(
            "Only an operator of this installation, an owner of its first tenant, may change how "
            "the jobs of a tag are placed."
        )


class StrategyInUse(Conflict):
    """Jobs are waiting that ask for what the plain strategy does not look at."""

    code = "STRATEGY_IN_USE"

    def __init__(self, tag: str) -> None:
        super().__init__(
            f"Jobs with the tag {tag} are waiting whose requires or affinity_key the plain "
            "strategy would ignore. Let them end or cancel them first.",
            param="tag",
        )


class UnknownTag(InvalidInput):
    """No worker has ever taken jobs with this tag, so the job would wait for ever."""

    code = "UNKNOWN_TAG"

    def __init__(self, tag: str, near: str | None) -> None:
        meant = "" if near is None else f" Did you mean {near}?"
        super().__init__(
            f"No worker has ever taken jobs with the tag {tag!r}.{meant} Start a worker with this "
            "tag (worker.tags), or give the tag a strategy first.",
            param="tag",
        )


class IsolationNotOffered(RuleViolation):
    """None of the workers that are known for the tag runs scripts isolated as the job wants."""

    code = "ISOLATION_NOT_OFFERED"

    def __init__(self, isolation: str, tag: str, offered: str) -> None:
        super().__init__(
            f"No worker with the tag {tag!r} offers isolation '{isolation}', only {offered}: the "
            "job would wait for ever. Start one that does, or let the operator set "
            "jobs.isolation_default to what they offer, which may mean to trust every script.",
            param="isolation",
        )


class RequirementWithoutEffect(RuleViolation):
    """The job asks for something that the strategy of its tag does not look at."""

    code = "REQUIREMENT_WITHOUT_EFFECT"

    def __init__(self, param: str, tag: str, reason: str) -> None:
        super().__init__(
            f"{param} would have no effect under the tag {tag!r}: {reason}. Leave it out, or have "
            f"an operator change that: tidemill strategies set {tag} --help.",
            param=param,
        )


class NoWorkerCouldRun(RuleViolation):
    """None of the workers that are known could ever give the job what it asks for."""

    code = "NO_WORKER_COULD_RUN"

    def __init__(self, wanted: str, tag: str, best: str) -> None:
        super().__init__(
            f"No worker with the tag {tag!r} has {wanted}. {best} Ask for less, or start such a "
            "worker first.",
            param="requires",
        )
