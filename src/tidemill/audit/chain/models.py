"""The chain: what a line says, its digest, and the hash that ties it to the line before."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Final

import msgspec
from msgspec import Struct

from tidemill.core.actor import ActorKind, AuditActor
from tidemill.core.clock import Instant
from tidemill.core.ids import TenantId

GENESIS: Final = "0" * 64
"""The hash before the first line."""

ERASE: Final = "audit.chains.erase"
"""The action of the line by which retention says how far it has emptied bodies."""


class Entry(Struct, frozen=True, kw_only=True):
    """What happened, before it has a place in the chain.

    `before` and `after` are plain data, or None where the action has no such state.
    """

    id: str
    at: Instant
    action: str
    actor: AuditActor
    resource: str
    request_id: str | None = None
    address: str | None = None
    before: Any = None
    after: Any = None
    detail: str | None = None

    def body(self) -> str:
        """Return the entry as the JSON that is stored and hashed."""
        return msgspec.json.encode(self).decode()


class Line(Struct, frozen=True, kw_only=True):
    """A line of the chain.

    Once retention has erased the body, `entry` is None, and the columns that repeat a part of
    it are empty.
    """

    seq: int
    id: str
    at: Instant
    action: str
    actor_id: str
    resource: str
    body: str | None
    digest: str
    hash: str

    def entry(self) -> Entry | None:
        """Return what the line says, or None when its body was erased."""
        return None if self.body is None else msgspec.json.decode(self.body, type=Entry)


class Query(Struct, frozen=True, kw_only=True):
    """Which lines are wanted; every field that is set must match."""

    actor: str | None = None
    action: str | None = None
    resource: str | None = None
    since: Instant | None = None
    until: Instant | None = None

    def filters(self) -> dict[str, str | int]:
        """Return the fields that are set."""
        fields = {
            "actor": self.actor,
            "action": self.action,
            "resource": self.resource,
            "since": self.since,
            "until": self.until,
        }
        return {name: value for name, value in fields.items() if value is not None}

    def includes(self, line: Line) -> bool:
        """Return whether a line matches."""
        return (
            self.actor in {None, line.actor_id}
            and self.action in {None, line.action}
            and self.resource in {None, line.resource}
            and (self.since is None or line.at >= self.since)
            and (self.until is None or line.at < self.until)
        )


class Head(Struct, frozen=True, kw_only=True):
    """The last line of a chain; `seq` is 0 for an empty one."""

    seq: int = 0
    hash: str = GENESIS


class Break(StrEnum):
    """What can be wrong with a chain."""

    CHANGED = "changed"
    REMOVED = "removed"
    ERASED = "erased"
    CUT = "cut"
    FORGED = "forged"


class ChainProblem(Struct, frozen=True, kw_only=True):
    """One place where the chain does not hold, and what that means."""

    seq: int
    kind: Break
    message: str


class Erasure(Struct, frozen=True, kw_only=True):
    """What a line with the action `ERASE` says in `after`.

    `remains` covers what is left of all lines up to that one (`remains_with`); None in lines of
    before that was written.
    """

    through_seq: int
    remains: str | None = None


def key_of(installation_key: bytes, tenant_id: TenantId) -> bytes:
    """Return the key of one tenant's chain; lines of another tenant's do not fit into it."""
    return hmac.digest(installation_key, f"audit chain {tenant_id}".encode(), "sha256")


def erasure(tx_id: str, at: Instant, tenant_id: TenantId, said: Erasure) -> Entry:
    """Return the entry by which retention says how far it has emptied bodies."""
    return Entry(
        id=tx_id,
        at=at,
        action=ERASE,
        actor=AuditActor(kind=ActorKind.SYSTEM, id="audit"),
        resource=f"tenant:{tenant_id}",
        after=said,
    )


def erasure_of(entry: Entry) -> Erasure:
    """Return what an entry with the action `ERASE` says."""
    return msgspec.convert(entry.after, Erasure)


def remains_with(remains: str, seq: int, id_: str, at: Instant) -> str:
    """Return what covers one more erased line: SHA-256(remains before, number, id, instant)."""
    return hashlib.sha256(f"{remains}:{seq}:{id_}:{at}".encode()).hexdigest()


def digest_of(body: str) -> str:
    """Return the SHA-256 of a body, in hex."""
    return hashlib.sha256(body.encode()).hexdigest()


def linked(key: bytes, previous: str, seq: int, digest: str) -> str:
    """Return the hash of a line: HMAC-SHA256(key, previous hash, number, digest), in hex."""
    return hmac.digest(key, f"{previous}:{seq}:{digest}".encode(), "sha256").hex()


def next_line(key: bytes, head: Head, entry: Entry) -> Line:
    """Return `entry` as the line after `head`."""
    body = entry.body()
    digest = digest_of(body)
    seq = head.seq + 1
    return Line(
        seq=seq,
        id=entry.id,
        at=entry.at,
        action=entry.action,
        actor_id=entry.actor.id,
        resource=entry.resource,
        body=body,
        digest=digest,
        hash=linked(key, head.hash, seq, digest),
    )


class Checker:
    """Walks a chain line by line and collects where it breaks."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self.head = Head()
        self.problems: list[ChainProblem] = []
        self._erased = 0
        self._erasable = 0
        self._remains = GENESIS
        self._remains_said: dict[int, str] = {}

    def check(self, line: Line) -> None:
        """Check the line that follows all those checked before."""
        expected = self.head.seq + 1
        if line.seq != expected:
            self._report(expected, Break.REMOVED, _missing(expected, line.seq - 1))
        elif _was_changed(line):
            self._report(line.seq, Break.CHANGED, f"Line {line.seq} was changed.")
        elif linked(self._key, self.head.hash, line.seq, line.digest) != line.hash:
            self._report(
                line.seq, Break.CHANGED, f"Line {line.seq} was changed, or does not belong here."
            )
        self._look_for_erasure(line)
        # Going on from the stored hash reports each break once, not every line after it.
        self.head = Head(seq=line.seq, hash=line.hash)

    @property
    def misses_erasure(self) -> bool:
        """Return whether bodies are gone that by what lines say so far retention did not erase."""
        return self._erased > self._erasable

    def finish(self, stored: Head, witnessed: Head | None) -> None:
        """Compare the end with the stored head and with the last head that was kept apart."""
        said = self._remains_said.get(self._erased)
        if said is not None and self._remains not in {said, ""}:
            self._report(
                self._erased,
                Break.CHANGED,
                f"Number, id or time of a line up to {self._erased}, whose body retention erased, "
                "was changed.",
            )
        if self.misses_erasure:
            self._report(
                self._erased,
                Break.ERASED,
                f"Bodies are gone up to line {self._erased}, and retention says that it reached "
                f"line {self._erasable}.",
            )
        reach = max(stored.seq, witnessed.seq if witnessed else 0)
        if self.head.seq < reach:
            self._report(
                self.head.seq + 1,
                Break.CUT,
                f"The chain ends before line {reach}: its tail is gone.",
            )
        elif stored != self.head:
            self._report(self.head.seq, Break.CHANGED, "The stored head is not the last line.")

    def witness(self, line: Line, witnessed: Head | None) -> None:
        """Compare a line with the head that was kept apart when it was the last."""
        if witnessed and line.seq == witnessed.seq and line.hash != witnessed.hash:
            self._report(
                line.seq, Break.CHANGED, f"Line {line.seq} is not the one that was witnessed."
            )

    def head_set_back(self) -> None:
        """Note that lines follow the stored head, which moves with every line."""
        seq = self.head.seq + 1
        self._report(seq, Break.CHANGED, f"The stored head does not count line {seq}.")

    def forged(self, message: str) -> None:
        """Note that the head that was kept apart is not ours."""
        self._report(self.head.seq, Break.FORGED, message)

    def _look_for_erasure(self, line: Line) -> None:
        if line.body is None:
            # With a gap before it there is nothing to compare: then the lines are reported.
            is_next = self._erased == line.seq - 1 and self._remains
            self._remains = (
                remains_with(self._remains, line.seq, line.id, line.at) if is_next else ""
            )
            self._erased = line.seq
        elif line.action == ERASE and not _was_changed(line):
            erasure = erasure_of(msgspec.json.decode(line.body, type=Entry))
            self._erasable = max(self._erasable, erasure.through_seq)
            if erasure.remains is not None:
                self._remains_said[erasure.through_seq] = erasure.remains

    def _report(self, seq: int, kind: Break, message: str) -> None:
        self.problems.append(ChainProblem(seq=seq, kind=kind, message=message))


def intact_through(key: bytes, lines: Iterable[Line], *, first: int) -> int:
    """Return up to which number lines from `first` on are what was written.

    `lines` begin with the one before `first`, where there is one.
    """
    head = Head()
    for line in lines:
        is_next = line.seq == head.seq + 1 and line.body is not None and not _was_changed(line)
        if line.seq >= first and not (
            is_next and linked(key, head.hash, line.seq, line.digest) == line.hash
        ):
            break
        head = Head(seq=line.seq, hash=line.hash)
    return head.seq


def _was_changed(line: Line) -> bool:
    if line.body is not None and digest_of(line.body) != line.digest:
        return True
    try:
        return _columns_differ(line)
    except msgspec.MsgspecError:
        return True  # Whoever wrote this body is not Tidemill.


def _columns_differ(line: Line) -> bool:
    entry = line.entry()
    if entry is None:
        return (line.action, line.actor_id, line.resource) != ("", "", "")
    return (entry.id, entry.at, entry.action, entry.actor.id, entry.resource) != (
        line.id,
        line.at,
        line.action,
        line.actor_id,
        line.resource,
    )


def _missing(first: int, last: int) -> str:
    return f"Line {first} is gone." if first == last else f"Lines {first} to {last} are gone."
