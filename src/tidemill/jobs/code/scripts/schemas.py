"""Bodies of scripts."""

from __future__ import annotations

from typing import Annotated, Any, Self

import msgspec
from msgspec import Meta

from tidemill.core.clock import rfc3339, rfc3339_or_none
from tidemill.http import Body, PageView, View
from tidemill.jobs.code.scripts.models import Script, Version
from tidemill.jobs.limits.models import Limits, limits_of
from tidemill.jobs.requirements.models import Requires, requires_of


class DeployScript(Body, frozen=True, kw_only=True):
    """A script's text under a path; the text runs by its entry point.

    `limits`, `isolation` (sandbox, or warm for python), `requires`, `affinity_key` and
    `attempts_max` hold for each of its jobs that does not say otherwise.
    """

    path: Annotated[str, Meta(min_length=1, max_length=200)]
    language: Annotated[str, Meta(min_length=1, max_length=30)]
    content: str
    limits: Limits | None = None
    isolation: str | None = None
    requires: Requires | None = None
    affinity_key: str | None = None
    attempts_max: int | None = None


class VersionView(View, frozen=True, kw_only=True):
    """One version of a script."""

    path: str
    version: int
    language: str
    content_hash: str
    parent_hash: str | None
    schema: dict[str, Any]
    limits: Limits | None
    isolation: str | None
    requires: Requires | None
    affinity_key: str | None
    attempts_max: int | None
    created_at: str
    created_by: str

    @classmethod
    def of(cls, version: Version) -> Self:
        """Return the view of `version`."""
        return cls(
            path=version.path,
            version=version.number,
            language=version.language,
            content_hash=version.content_hash,
            parent_hash=version.parent_hash,
            schema=msgspec.json.decode(version.schema),
            limits=None if version.limits is None else limits_of(version.limits),
            isolation=version.isolation,
            requires=None if version.requires is None else requires_of(version.requires),
            affinity_key=version.affinity_key,
            attempts_max=version.attempts_max,
            created_at=rfc3339(version.created_at),
            created_by=version.created_by,
        )


class ScriptView(View, frozen=True, kw_only=True):
    """A script and the version of it that runs; lists leave `content` out."""

    id: str
    path: str
    language: str
    version: int
    content_hash: str
    parent_hash: str | None
    schema: dict[str, Any]
    limits: Limits | None
    isolation: str | None
    requires: Requires | None
    affinity_key: str | None
    attempts_max: int | None
    created_at: str
    created_by: str
    updated_at: str
    archived_at: str | None
    content: str | None = None

    @classmethod
    def of(cls, script: Script, content: str | None = None) -> Self:
        """Return the view of `script`."""
        head = script.head
        return cls(
            id=script.id,
            path=script.path,
            language=head.language,
            version=head.number,
            content_hash=head.content_hash,
            parent_hash=head.parent_hash,
            schema=msgspec.json.decode(head.schema),
            limits=None if head.limits is None else limits_of(head.limits),
            isolation=head.isolation,
            requires=None if head.requires is None else requires_of(head.requires),
            affinity_key=head.affinity_key,
            attempts_max=head.attempts_max,
            created_at=rfc3339(script.created_at),
            created_by=script.created_by,
            updated_at=rfc3339(script.updated_at),
            archived_at=rfc3339_or_none(script.archived_at),
            content=content,
        )


class ScriptPage(PageView, frozen=True, kw_only=True):
    """A part of the list of scripts, by path."""

    items: list[ScriptView]


class VersionPage(PageView, frozen=True, kw_only=True):
    """A part of a script's versions, the latest first."""

    items: list[VersionView]
