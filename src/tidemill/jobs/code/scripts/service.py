"""What one can do with scripts."""

from __future__ import annotations

import difflib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Final

import msgspec
from msgspec import Struct

from tidemill.core.actor import Actor
from tidemill.core.clock import Clock
from tidemill.core.errors import TidemillError
from tidemill.core.ids import TenantId
from tidemill.core.keysets import after_number
from tidemill.core.pages import Page, PageRequest, page_of
from tidemill.core.ports import Database, Once, Tx
from tidemill.jobs.code.scripts.arguments import Arguments
from tidemill.jobs.code.scripts.closures import Contents, closure, may_need
from tidemill.jobs.code.scripts.heads import Heads
from tidemill.jobs.code.scripts.limiting import checked_limits
from tidemill.jobs.code.scripts.models import (
    Needs,
    Script,
    Version,
    checked_attempts,
    checked_content,
    checked_isolation,
    content_hash,
    script_path,
)
from tidemill.jobs.code.scripts.repository import ScriptRepository
from tidemill.jobs.code.scripts.signatures import checked_schema, infer_schema
from tidemill.jobs.contract import ScriptArchived, ScriptDeployed
from tidemill.jobs.errors import ScriptNotFound
from tidemill.jobs.execution.languages.imports import imports_of
from tidemill.jobs.execution.languages.models import Language, language
from tidemill.jobs.execution.packages.models import packages_of
from tidemill.jobs.folders.models import Level
from tidemill.jobs.folders.service import FolderRules
from tidemill.jobs.limits.models import Limits
from tidemill.jobs.references import may_ask
from tidemill.jobs.requirements.models import Requires, as_json, check_requirements

contents_kept_bytes_max: Final = 16 * 1024 * 1024
schemas_kept_max: Final = 256
NOTHING: Final = Needs()

Pin = Callable[[str, Sequence[str]], Awaitable[str]]
"""Returns the lock of the packages that contents of a language ask for; empty for none."""


async def pin_nothing(language: str, contents: Sequence[str]) -> str:
    """Leave packages to whoever runs the script."""
    del language, contents
    return ""


_number_max: Final = 2**62


class Deployment(Struct, frozen=True, kw_only=True):
    """What somebody wants to deploy."""

    path: str
    language: str
    content: str
    limits: Limits | None = None
    isolation: str | None = None
    requires: Requires | None = None
    affinity_key: str | None = None
    attempts_max: int | None = None


class ScriptService:
    """Use cases of scripts."""

    def __init__(
        self,
        tenants: Database,
        *,
        bytes_max: int,
        pin: Pin = pin_nothing,
        clock: Clock | None = None,
    ) -> None:
        """`clock` says how old what is known of a script may be; without one it is read always."""
        self._database = tenants
        self._heads = Heads(clock)
        self._pin = pin
        self._bytes_max = bytes_max
        self._scripts = ScriptRepository()
        self._rules = FolderRules()
        self._arguments = Arguments()
        self._contents: OrderedDict[tuple[TenantId, str], str] = OrderedDict()
        self._contents_bytes = 0
        self._inline_schemas: OrderedDict[tuple[str, str], str] = OrderedDict()

    async def deploy(
        self, wanted: Deployment, *, actor: Actor, once: Once[Script] | None = None
    ) -> Script:
        """Add a version and make it the one that runs.

        The content that runs already gives no new version. Raises `ScriptInvalid` with line and
        column when the text is no program, and then changes nothing.
        """
        path, kind = script_path(wanted.path), language(wanted.language)
        content = checked_content(wanted.content, bytes_max=self._bytes_max)
        schema = await checked_schema(kind, content)
        digest, by = content_hash(content), actor.user_id or actor.id
        needs = await self._needs_now(actor.tenant_id, kind, content, path)
        imports, limits = _imports_of(needs), checked_limits(wanted.limits, schema)
        known = await self._database.read(actor.tenant_id, lambda tx: self._scripts.find(tx, path))
        isolation = checked_isolation(wanted.isolation, kind)
        check_requirements(wanted.requires, wanted.affinity_key)
        requires, affinity_key = as_json(wanted.requires), wanted.affinity_key
        attempts_max = checked_attempts(wanted.attempts_max)
        same = (kind, digest, imports, limits, isolation, requires, affinity_key, attempts_max)
        unchanged = known if known is not None and _identity(known) == same else None
        # Packages are pinned where something changes; what runs already keeps its own.
        lock = "" if unchanged else await self._pin(kind, (content, *needs.modules.values()))

        def use_case(tx: Tx) -> Script:
            self._rules.check(tx, path, Level.WRITE, actor)
            self._check_imports(needs, actor, tx)
            if unchanged is not None:
                # Whoever has deployed another text since came later; this one has no lock for one.
                return unchanged
            script_id = self._scripts.reserve(tx, path, by=by)
            before = self._scripts.find(tx, path)
            if before is not None and _identity(before) == same:
                return before
            version = Version(
                script_id=script_id,
                path=path,
                number=before.head.number + 1 if before else 1,
                language=kind,
                content_hash=digest,
                parent_hash=before.head.content_hash if before else None,
                schema=schema,
                created_at=tx.now,
                created_by=by,
                lock_hash=content_hash(lock) if lock else None,
                imports=imports,
                limits=limits,
                isolation=isolation,
                requires=requires,
                affinity_key=affinity_key,
                attempts_max=attempts_max,
            )
            self._scripts.add_version(tx, version, content, lock=lock)
            _tell(tx, version, actor)
            tx.after_commit(partial(self._heads.drop, tx.tenant_id, path))
            deployed = self._scripts.find(tx, path)
            assert deployed is not None  # noqa: S101 - it was just made
            return deployed

        return await self._database.write(actor.tenant_id, use_case, once=once)

    async def get(self, path: str, *, actor: Actor) -> tuple[Script, str]:
        """Return a script and the content that runs; raises `ScriptNotFound`."""

        def use_case(tx: Tx) -> tuple[Script, str]:
            self._rules.check(tx, path.strip("/"), Level.READ, actor)
            script = self._scripts.find(tx, path.strip("/"))
            if script is None:
                raise self._missing(tx, path, actor)
            return script, self._scripts.content(tx, script.head.content_hash) or ""

        return await self._database.read(actor.tenant_id, use_case)

    async def list(self, page: PageRequest, *, actor: Actor) -> Page[Script]:
        """Return scripts in use, by path, that the actor may see."""

        def use_case(tx: Tx) -> list[Script]:
            return self._rules.visible(
                tx,
                lambda after, limit: self._scripts.page(tx, after=after, limit=limit),
                lambda script: script.path,
                page,
                actor,
            )

        scripts = await self._database.read(actor.tenant_id, use_case)
        return page_of(scripts, page, lambda script: (script.path,))

    async def versions(self, path: str, page: PageRequest, *, actor: Actor) -> Page[Version]:
        """Return versions of a script, the latest first; raises `ScriptNotFound`."""
        after = after_number(page)
        before = _number_max if after is None else after
        wanted = path.strip("/")

        def use_case(tx: Tx) -> list[Version]:
            self._rules.check(tx, wanted, Level.READ, actor)
            if self._scripts.find(tx, wanted) is None:
                raise self._missing(tx, path, actor, param="path")
            return self._scripts.versions(tx, wanted, before=before, limit=page.limit_plus_one)

        versions = await self._database.read(actor.tenant_id, use_case)
        return page_of(versions, page, lambda version: (version.number,))

    async def archive(self, path: str, *, actor: Actor) -> None:
        """Take a script out of use; its versions stay, and deploying brings it back."""

        def use_case(tx: Tx) -> None:
            self._rules.check(tx, path.strip("/"), Level.WRITE, actor)
            script = self._scripts.find(tx, path.strip("/"))
            if script is None:
                raise self._missing(tx, path, actor)
            if self._scripts.archive(tx, script.id, by=actor.user_id or actor.id):
                tx.record(ScriptArchived(script_id=script.id, path=script.path), by=actor)
                tx.audit("jobs.scripts.archive", by=actor, resource=f"script:{script.path}")
                tx.after_commit(partial(self._heads.drop, tx.tenant_id, script.path))

        await self._database.write(actor.tenant_id, use_case)

    async def runnable(
        self,
        path: str,
        args: dict[str, Any],
        *,
        actor: Actor,
        known: dict[str, Script] | None = None,
        allowed: bool = False,
    ) -> Version:
        """Return the version that runs, whose arguments `args` fit.

        Who asks for many keeps in `known` what was found, and who has asked the folders says
        `allowed`: then a script counts as it was read within a second. Raises `ScriptNotFound`,
        `FolderDenied` and `ArgumentsInvalid`.
        """
        script = known.get(path) if known else None
        if script is None and allowed:
            script = self._heads.find(actor.tenant_id, path.strip("/"))
        if script is None:
            began = self._heads.reading()
            script = await self._database.read(actor.tenant_id, partial(self._in_use, path, actor))
            self._heads.keep(actor.tenant_id, script, began)
        if known is not None:
            known[path] = script
        self._arguments.check(script.head.schema, args)
        return script.head

    def _in_use(self, path: str, actor: Actor, tx: Tx) -> Script:
        self._rules.check(tx, path.strip("/"), Level.RUN, actor)
        script = self._scripts.find(tx, path.strip("/"))
        if script is None or script.archived_at is not None:
            raise self._missing(tx, path, actor, param="script_path")
        return script

    def checked_inline(self, kind: str, content: str, args: dict[str, Any]) -> tuple[str, str]:
        """Return the language of code in place, and the schema which its arguments `args` fit.

        Raises `UnknownLanguage`, `ScriptInvalid` and `ArgumentsInvalid`.
        """
        known = language(kind)
        checked_content(content, bytes_max=self._bytes_max)
        key = (known.value, content_hash(content))
        schema = self._inline_schemas.get(key)
        if schema is None:
            schema = msgspec.json.encode(infer_schema(known, content)).decode()
            if known is Language.PYTHON:
                packages_of([content])
            # What starts with a dot has nowhere to start from, and is refused here.
            imports_of(known, content, None)
            self._inline_schemas[key] = schema
            if len(self._inline_schemas) > schemas_kept_max:
                self._inline_schemas.popitem(last=False)
        self._arguments.check(schema, args)
        return known, schema

    async def needs(self, language: str, content: str, path: str | None, *, actor: Actor) -> Needs:
        """Return what a job of this content needs: as deployed, or for code in place as it is.

        `actor` has started it, and code in place imports only what its actor may read.
        """
        if not may_need(language, content):
            return NOTHING
        tenant_id = actor.tenant_id
        if path is None:
            try:
                needs = await self._needs_now(tenant_id, language, content, None)
                await self._database.read(tenant_id, partial(self._check_imports, needs, actor))
            except TidemillError:
                # A script that it imports has lost one of its own, or may not be read; the job's
                # error will tell what is missing.
                return NOTHING
            return needs

        def use_case(tx: Tx) -> Needs | None:
            found = self._scripts.latest_with(tx, path, content_hash(content))
            if found is None:
                return None
            lock_hash, imports = found
            lock = self._scripts.content(tx, lock_hash) if lock_hash else ""
            modules = {
                place: self._scripts.content(tx, digest) or ""
                for place, digest in msgspec.json.decode(imports, type=dict[str, str]).items()
            }
            return Needs(lock=lock or "", modules=modules)

        return await self._database.read(tenant_id, use_case) or NOTHING

    async def _needs_now(
        self, tenant_id: TenantId, language: str, content: str, path: str | None
    ) -> Needs:
        if not may_need(language, content):
            return NOTHING

        def use_case(tx: Tx) -> Needs:
            def find(paths: Sequence[str]) -> Contents:
                return self._scripts.contents_in_use(tx, language, paths)

            found = closure(language, content, path, find)
            return Needs(modules={place: text for place, (_, text) in found.items()})

        return await self._database.read(tenant_id, use_case)

    def _check_imports(self, needs: Needs, actor: Actor, tx: Tx) -> None:
        for place in needs.modules:
            self._rules.check(tx, place, Level.READ, actor)

    async def asks(self, tenant_id: TenantId, version: Version) -> bool:
        """Return whether a version may read what belongs to whoever runs it; see `may_ask`."""
        if version.language == Language.CONTAINER:
            # What an image does is not in the text.
            return True
        imports = msgspec.json.decode(version.imports, type=dict[str, str]).values()
        for digest in (version.content_hash, version.lock_hash, *imports):
            if digest is not None and may_ask(await self.content(tenant_id, digest)):
                return True
        return False

    async def content(self, tenant_id: TenantId, digest: str) -> str:
        """Return the content of a version; what was read last is kept in memory."""
        key = (tenant_id, digest)
        known = self._contents.get(key)
        if known is not None:
            self._contents.move_to_end(key)
            return known
        found = await self._database.read(tenant_id, lambda tx: self._scripts.content(tx, digest))
        if found is None:
            raise ScriptNotFound(digest)
        self._contents[key] = found
        self._contents_bytes += len(found)
        while self._contents_bytes > contents_kept_bytes_max and len(self._contents) > 1:
            _, dropped = self._contents.popitem(last=False)
            self._contents_bytes -= len(dropped)
        return found

    def _missing(
        self, tx: Tx, path: str, actor: Actor, *, param: str | None = None
    ) -> ScriptNotFound:
        wanted = path.strip("/")
        known = self._rules.seen(tx, self._scripts.paths(tx), actor)
        close = difflib.get_close_matches(wanted, known, n=1)
        return ScriptNotFound(wanted, near=close[0] if close else None, param=param)


def _identity(script: Script) -> tuple[str | int | None, ...] | None:
    """Return what a deployment has to change to make a new version; None for one out of use."""
    head = script.head
    if script.archived_at is not None:
        return None
    return (
        head.language, head.content_hash, head.imports, head.limits, head.isolation,
        head.requires, head.affinity_key, head.attempts_max,
    )  # fmt: skip


def _imports_of(needs: Needs) -> str:
    hashes = {path: content_hash(text) for path, text in sorted(needs.modules.items())}
    return msgspec.json.encode(hashes).decode()


def _tell(tx: Tx, version: Version, actor: Actor) -> None:
    fact = ScriptDeployed(
        script_id=version.script_id,
        path=version.path,
        version=version.number,
        language=version.language,
        content_hash=version.content_hash,
        parent_hash=version.parent_hash,
    )
    tx.record(fact, by=actor)
    tx.audit(
        "jobs.scripts.deploy",
        by=actor,
        resource=f"script:{version.path}",
        after={
            "version": version.number,
            "language": version.language,
            "content_hash": version.content_hash,
            "limits": None if version.limits is None else msgspec.Raw(version.limits.encode()),
        },
    )
