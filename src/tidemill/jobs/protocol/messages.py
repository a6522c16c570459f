"""The messages of the worker protocol, as tagged unions encoded with MessagePack.

Every message about a job carries (`job_id`, `epoch`): the epoch fences off a worker that lost
its lease. Outcomes are kept in the worker's spool until `OutcomesTaken` names them.

What comes as often as jobs is `gc=False`: none can be part of a cycle, and the collector looks at
fewer things.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Any, Final

from msgspec import Struct

protocol_version: Final = 1
frame_bytes_max: Final = 256 * 1024


class Channel(IntEnum):
    """What a frame belongs to; each channel has its own credit window, control is never last."""

    CONTROL = 0
    OUTCOMES = 1
    LOGS = 2


class Isolation(StrEnum):
    """How a job is kept apart from the rest, weakest first."""

    FUNCTION = "function"
    WARM = "warm"
    FORK = "fork"
    SANDBOX = "sandbox"


class Verdict(StrEnum):
    """How an attempt ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"
    LOST = "lost"
    """The worker let go of the job without having run it to an end (drain, restart)."""


class Held(Struct, frozen=True, array_like=True, gc=False):
    """A job that a worker holds, and the epoch under which it was given."""

    job_id: str
    epoch: int


# From the worker.


class RegisteredFunction(Struct, frozen=True, kw_only=True):
    """A function of the operator's own code that a worker can run.

    `schema` is JSON Schema, `limits` is JSON: what limits its jobs.
    """

    name: str
    schema: str
    tag: str | None = None
    priority: int = 0
    attempts_max: int | None = None
    timeout_seconds: int | None = None
    limits: str | None = None


class Hello(Struct, frozen=True, kw_only=True, tag="hello"):
    """The first message of a worker; `holding` lists what it still runs after a reconnection.

    `labels`, `cpu` and `memory_mib` are what its machine offers to jobs that ask for it. `ahead` is
    how many short jobs it takes beyond its slots, and begins when it has a slot for them. `process`
    is the same for as long as its program runs, and larger after each start.
    """

    version: int
    worker_id: str
    secret: str
    host: str
    slots: int
    tags: tuple[str, ...]
    isolations: tuple[Isolation, ...]
    holding: tuple[Held, ...] = ()
    unacknowledged: tuple[Held, ...] = ()
    functions: tuple[RegisteredFunction, ...] = ()
    labels: tuple[str, ...] = ()
    cpu: float | None = None
    memory_mib: int | None = None
    ahead: int = 0
    process: str = ""


class Heartbeat(Struct, frozen=True, kw_only=True, tag="heartbeat"):
    """Sent at the interval that `Welcome` named; renews the worker's lease."""

    free_slots: int
    resident_bytes: int = 0


class Started(Struct, frozen=True, kw_only=True, tag="started"):
    """The job's own code begins to run now."""

    job_id: str
    epoch: int
    started_at: int


class Outcome(Struct, frozen=True, kw_only=True, tag="outcome", gc=False):
    """The end of an attempt. `result` is JSON; `error` has `type`, `message`, `traceback`.

    `retriable` says whether another attempt could help, `retry_seconds` when it shall come
    where the code that ran has a policy of its own.
    """

    job_id: str
    epoch: int
    verdict: Verdict
    started_at: int
    finished_at: int
    result: bytes | None = None
    error: dict[str, str] | None = None
    isolation: Isolation = Isolation.SANDBOX
    peak_memory_bytes: int = 0
    cpu_microseconds: int = 0
    retriable: bool = True
    retry_seconds: float | None = None


class Outcomes(Struct, frozen=True, kw_only=True, tag="outcomes"):
    """What ended at the same time; few enough for a message of its channel."""

    jobs: tuple[Outcome, ...]


class LogChunk(Struct, frozen=True, kw_only=True, tag="log"):
    """Bytes that the job printed; `offset` counts from the start of the attempt's log."""

    job_id: str
    epoch: int
    offset: int
    data: bytes


class TokenWanted(Struct, frozen=True, kw_only=True, tag="token_wanted"):
    """A function, or a warm job, asks for its token, which its assignment does not bring."""

    job_id: str
    epoch: int


class Draining(Struct, frozen=True, kw_only=True, tag="draining"):
    """The worker takes nothing more and will leave when its last job has ended."""


# To the worker.


class Welcome(Struct, frozen=True, kw_only=True, tag="welcome"):
    """The answer to `Hello`. Jobs of `holding` that are not in `keep` must be stopped."""

    generation: int
    lease_seconds: float
    heartbeat_seconds: float
    api_url: str
    keep: tuple[Held, ...] = ()


class Settings(Struct, frozen=True, kw_only=True, tag="settings"):
    """What is stored of the installation's settings, by key: after `Welcome`, and on change."""

    values: dict[str, Any]


class Refused(Struct, frozen=True, kw_only=True, tag="refused"):
    """The dispatcher does not accept this worker; `reason` says why and what to do."""

    reason: str


class Assignment(Struct, frozen=True, kw_only=True, tag="assignment", gc=False):
    """A job to run. `arguments` is a JSON object; `token` is the job's own for `/api/v1`.

    `lock` pins the packages that it needs, `modules` are the scripts that it imports, by path.
    `secrets` are the texts among its arguments that no log may show; `refusal` says why the
    job must end without having begun. The job's own code has to run within `start_seconds`, and
    to give a sign of life each `heartbeat_seconds`.
    """

    job_id: str
    epoch: int
    attempt: int
    tenant_id: str
    language: str
    content_hash: str
    content: str
    arguments: bytes
    isolation: Isolation
    timeout_seconds: float
    token: str
    script_path: str | None = None
    work_item_id: str | None = None
    traceparent: str | None = None
    memory_bytes_max: int = 512 * 1024 * 1024
    disk_bytes_max: int = 256 * 1024 * 1024
    processes_max: int = 64
    open_files_max: int = 256
    log_bytes_max: int = 10 * 1024 * 1024
    result_bytes_max: int = 1024 * 1024
    lock: str = ""
    modules: dict[str, str] = {}
    secrets: tuple[str, ...] = ()
    refusal: str = ""
    start_seconds: float | None = None
    heartbeat_seconds: float | None = None


class Token(Struct, frozen=True, kw_only=True, tag="token"):
    """The answer to `TokenWanted`; `token` is empty when there is none for this job."""

    job_id: str
    epoch: int
    token: str


class Assign(Struct, frozen=True, kw_only=True, tag="assign"):
    """Jobs for this worker, at most as many as it has slots free or takes ahead."""

    jobs: tuple[Assignment, ...]


class Cancel(Struct, frozen=True, kw_only=True, tag="cancel"):
    """Stop a job: TERM, then KILL after `grace_seconds`."""

    job_id: str
    epoch: int
    grace_seconds: float = 5.0


class OutcomesTaken(Struct, frozen=True, kw_only=True, tag="outcomes_taken"):
    """These outcomes are durable (or fenced off); the worker drops them from its spool."""

    jobs: tuple[Held, ...]


class Credit(Struct, frozen=True, kw_only=True, tag="credit"):
    """Permission to send `frames` more frames on a channel; each side grants to the other."""

    channel: Channel
    frames: int


class Drain(Struct, frozen=True, kw_only=True, tag="drain"):
    """Take nothing more, finish what runs, leave."""


FromWorker = (
    Hello | Heartbeat | Started | Outcome | Outcomes | LogChunk | TokenWanted | Draining | Credit
)
ToWorker = Welcome | Settings | Refused | Assign | Token | Cancel | OutcomesTaken | Credit | Drain
