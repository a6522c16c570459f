"""Specifications of jobs: what to run, for whom, and within which limits; no I/O."""

from __future__ import annotations

import hashlib

import msgspec
from msgspec import Struct


class Spec(Struct, frozen=True):
    """What jobs of one script or function and one actor have in common; `actor` is JSON.

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

    @property
    def digest(self) -> str:
        """Return what tells this specification from every other one."""
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()
