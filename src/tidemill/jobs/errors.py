"""Every failure of scripts, jobs and workers."""

from __future__ import annotations

from collections.abc import Iterable

from tidemill.core.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    RateLimited,
    RuleViolation,
    TooLarge,
    Unauthenticated,
)


class ScriptNotFound(NotFound):
    """There is no such script for this tenant."""

    code = "SCRIPT_NOT_FOUND"

    def __init__(self, path: str, *, near: str | None = None, param: str | None = None) -> None:
        hint = "" if near is None else f" Did you mean {near}?"
        super().__init__(f"There is no script {_shown(path)}.{hint}", param=param)


class FunctionNotFound(NotFound):
    """No worker has registered a function of this name."""

    code = "FUNCTION_NOT_FOUND"

    def __init__(self, name: str, near: str | None) -> None:
        hint = "" if near is None else f" Did you mean {_shown(near)}?"
        super().__init__(
            f"No worker has registered the function {_shown(name)}.{hint} Workers register what "
            "the module of worker.app declares.",
            param="function",
        )


class InvalidScriptPath(InvalidInput):
    """A script's path could not be a path below one root."""

    code = "INVALID_SCRIPT_PATH"

    def __init__(self) -> None:
        super().__init__(
            "A script's path is 1 to 200 characters: names of letters, digits, '_', '-' and '.', "
            "that begin with a letter, digit or '_', joined by '/', such as reports/daily.",
            param="path",
        )


class UnknownLanguage(InvalidInput):
    """The language is none that runs here."""

    code = "UNKNOWN_LANGUAGE"

    def __init__(self, language: str, known: Iterable[str], *, nearest: str | None = None) -> None:
        meant = f" Did you mean {nearest}?" if nearest else ""
        super().__init__(
            f"{_shown(language)} is no language of scripts; choose {', '.join(known)}.{meant}",
            param="language",
        )


class LanguageNotInstalled(RuleViolation):
    """The language is one of ours, and what runs it is not installed here."""

    code = "LANGUAGE_NOT_INSTALLED"

    def __init__(self, language: str, fix: str) -> None:
        super().__init__(
            f"Scripts of {language} cannot run here yet. To change that: {fix}.", param="language"
        )


class ScriptInvalid(RuleViolation):
    """The script cannot run: its text is no program, or it has no usable entry point."""

    code = "SCRIPT_INVALID"

    def __init__(self, reason: str, *, line: int | None = None, column: int | None = None) -> None:
        at = "" if line is None else f"Line {line}, column {column or 1}: "
        super().__init__(f"{at}{reason}", param="content")
        self.line = line
        self.column = column


class PackagesNotResolved(RuleViolation):
    """The packages that a script asks for cannot be had together, or not from here."""

    code = "PACKAGES_NOT_RESOLVED"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The packages of the script's header: {reason}", param="content")


class ScriptTooLarge(TooLarge):
    """A script's text is over the limit."""

    code = "SCRIPT_TOO_LARGE"

    def __init__(self, size: int, bytes_max: int) -> None:
        super().__init__(
            f"The script has {size} bytes; {bytes_max} are the limit (jobs.script_bytes_max).",
            param="content",
        )


class ArgumentsInvalid(RuleViolation):
    """The arguments do not fit what the script's entry point takes."""

    code = "ARGUMENTS_INVALID"

    def __init__(self, argument: str | None, reason: str, *, of: str = "args") -> None:
        where = of if argument is None else f"{of}.{argument}"
        super().__init__(f"{where}: {reason}", param=where)
        self._argument = argument
        self._reason = reason

    def within(self, place: str) -> ArgumentsInvalid:
        """Return the same about one of many calls."""
        return ArgumentsInvalid(self._argument, self._reason, of=f"{place}.args")


class ArgumentsTooLarge(TooLarge):
    """A job's arguments are over the limit."""

    code = "ARGUMENTS_TOO_LARGE"

    def __init__(self, size: int, bytes_max: int) -> None:
        super().__init__(
            f"The arguments have {size} bytes as JSON; {bytes_max} are the limit "
            "(jobs.args_bytes_max). Pass a reference to the data instead.",
            param="args",
        )


class JobUnclear(InvalidInput):
    """A request for a job names no code to run, or two."""

    code = "JOB_UNCLEAR"

    def __init__(self, reason: str, *, param: str) -> None:
        super().__init__(reason, param=param)


class InvalidJobField(InvalidInput):
    """A field of a request for a job is outside its limits."""

    code = "INVALID_JOB_FIELD"

    def __init__(self, param: str, expected: str) -> None:
        super().__init__(f"{param} must be {expected}.", param=param)


class IsolationNotAllowed(RuleViolation):
    """The installation's owner has not agreed to jobs that are kept apart less."""

    code = "ISOLATION_NOT_ALLOWED"

    def __init__(self, isolation: str) -> None:
        super().__init__(
            f"Jobs with isolation {isolation} are not allowed here. Leave the field out, or let "
            "the owner set jobs.isolation_default to 'fork', which means to trust every script.",
            param="isolation",
        )


class InlineJobsNotAllowed(RuleViolation):
    """This tenant runs deployed scripts only."""

    code = "INLINE_JOBS_NOT_ALLOWED"

    def __init__(self) -> None:
        super().__init__(
            "Jobs may not bring their code along here (features.inline_jobs). Deploy the script "
            "and name it with script_path.",
            param="content",
        )


class JobNotFound(NotFound):
    """There is no such job for this tenant, or it is older than the history."""

    code = "JOB_NOT_FOUND"

    def __init__(self, reference: str, *, param: str = "job_id") -> None:
        super().__init__(f"There is no job {_shown(reference)}.", param=param)


class AttemptNotFound(NotFound):
    """The job was not tried so often, or what is known of that attempt has left the history."""

    code = "ATTEMPT_NOT_FOUND"

    def __init__(self, reference: str, attempt: int, *, last: int) -> None:
        had = f"its last is {last}" if last else "it has not started yet"
        super().__init__(
            f"The job {_shown(reference)} has no attempt {attempt}; {had}.", param="attempt"
        )


class ExecutionNotFound(NotFound):
    """The job was not given out so often: each time counts, also one that was given back."""

    code = "EXECUTION_NOT_FOUND"

    def __init__(self, reference: str, execution: int, *, last: int) -> None:
        had = f"its last is {last}" if last else "no worker has had it yet"
        super().__init__(
            f"The job {_shown(reference)} has no execution {execution}; {had}.", param="execution"
        )


class ExecutionUnclear(InvalidInput):
    """A request names an attempt and an execution."""

    code = "EXECUTION_UNCLEAR"

    def __init__(self) -> None:
        super().__init__("Name an attempt or an execution, not both.", param="execution")


class JobIdTaken(Conflict):
    """The client's id for a job was used for another request before."""

    code = "JOB_ID_TAKEN"

    def __init__(self, key: str) -> None:
        super().__init__(
            f"The id {_shown(key)} belongs to a job with another request. Choose another id.",
            param="id",
        )


class ProgressNotOwn(Forbidden):
    """Somebody else than the job itself said how far it is."""

    code = "PROGRESS_NOT_OWN"

    def __init__(self, reference: str) -> None:
        super().__init__(
            f"Only job {_shown(reference)} itself, by its own token, says how far it is."
        )


class RowsNotFound(NotFound):
    """There is no file of rows for this job: its result has them all, or they are gone."""

    code = "ROWS_NOT_FOUND"

    def __init__(self, reference: str) -> None:
        super().__init__(
            f"Job {_shown(reference)} has no file of rows here. Only results that say `truncated` "
            "have one, as long as the history, on the machine of their worker.",
            param="job_id",
        )


class StateTooLarge(TooLarge):
    """What a script wants to keep is over the limit."""

    code = "STATE_TOO_LARGE"

    def __init__(self, size: int, bytes_max: int) -> None:
        super().__init__(
            f"The state has {size} bytes as JSON; {bytes_max} are the limit. Keep it elsewhere, "
            "and its place here.",
            param="value",
        )


class QueueFull(RateLimited):
    """The tenant has as many jobs waiting as it may have."""

    code = "QUEUE_FULL"

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"{limit} jobs of this tenant are waiting already (jobs.queued_per_tenant_max). "
            "Wait until some have run.",
            headers={"Retry-After": "10"},
        )


class TooManyWaits(RateLimited):
    """As many requests are held open for jobs here as may be."""

    code = "TOO_MANY_WAITS"

    def __init__(self, whose: str, limit: int) -> None:
        super().__init__(
            f"{whose} already waits for jobs in {limit} open requests here. Wait for fewer, "
            "or follow the event stream.",
            headers={"Retry-After": "5"},
        )


class WaitEnded(Unauthenticated):
    """The credential of a request that was held open until a job ends counts no more."""

    code = "WAIT_ENDED"

    def __init__(self) -> None:
        super().__init__(
            "This credential ended while the request was held open. Log in again; the job goes on.",
            headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
        )


def _shown(text: str) -> str:
    short = text if len(text) <= 100 else f"{text[:99]}…"
    return repr(short)
