"""Specifications of jobs: what to run, for whom, and within which limits; no I/O."""

from __future__ import annotations

import hashlib

import msgspec
from msgspec import Struct

from tidemill.core.actor import Actor
from tidemill.jobs.limits.models import Limits
from tidemill.jobs.requirements.models import Requires


class Own(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a request said itself, where the script or function that it runs says something too.

    `affinity_key` and `isolation` are whether the request gave those that the job has.
    """

    limits: Limits | None = None
    requires: Requires | None = None
    affinity_key: bool = False
    isolation: bool = False


class Spec(Struct, frozen=True, cache_hash=True):
    """What jobs of one script or function and one actor have in common; `actor` is JSON.

    `own` is an `Own` as JSON; None where all that a job has is its request's own, but for the
    isolation, which then is that of the script or of the installation.
    The fields are in the order of the repository's columns.
    """

    tenant_id: str
    tag: str
    isolation: str
    priority: int
    actor: str
    script_path: str | None
    language: str
    content_hash: str
    content: str | None
    timeout_seconds: int
    attempts_max: int
    requires: str | None = None
    limits: str | None = None
    own: str | None = None

    @property
    def actor_id(self) -> str:
        """Return whose jobs they are: the person behind a token or a job, else who acts."""
        actor = msgspec.json.decode(self.actor, type=Actor)
        return actor.user_id or actor.id

    @property
    def digest(self) -> str:
        """Return what tells this specification from every other one."""
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()
