"""Makes a project of its document again, in one transaction, or reports why not.

Bytes of files are kept before it: who breaks off in between leaves strays that are swept, and the
same document sent again goes on as if it came for the first time.
"""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import aclosing, asynccontextmanager, suppress
from typing import IO, Final

from msgspec import Struct

from tidemill.board.activities.service import History
from tidemill.board.attachments.service import Rules
from tidemill.board.contract import ProjectId
from tidemill.board.errors import ImportTooLarge, ProjectKeyTaken
from tidemill.board.limits import BoardLimits
from tidemill.board.project_access.database import WalledDatabase
from tidemill.board.project_import_facts import ProjectImported
from tidemill.board.project_imports.archives import Bundle, FoundFile
from tidemill.board.project_imports.filling.service import Filling, KeptFile
from tidemill.board.project_imports.founding.service import Founding
from tidemill.board.project_imports.models import (
    Counts,
    Known,
    ProjectImportOptions,
    ProjectImportRejected,
    ProjectImportReport,
    ProjectImportStatus,
    WrongPart,
    named,
)
from tidemill.board.project_imports.people import called_in, who_is_who
from tidemill.board.project_imports.planned import World
from tidemill.board.project_imports.planning import Given, Plan, plan
from tidemill.board.project_imports.reading import ProjectDocument, read_document
from tidemill.board.project_imports.repository import ProjectImportRepository
from tidemill.board.projects.repository import ProjectRepository
from tidemill.core.actor import Actor
from tidemill.core.blobs import BlobStore, BlobsUnavailable
from tidemill.core.errors import TidemillError, Unavailable
from tidemill.core.ports import Database, Once, Tx
from tidemill.identity import Identity

wrong_told_max: Final = 500
OnceFor = Callable[[str], Once[ProjectImportReport] | None]
"""Returns what makes a write happen once, given a digest of what was sent."""


class _Read(Struct, frozen=True, kw_only=True):
    """A document with the files that came beside it, and all that says what becomes of it."""

    document: ProjectDocument
    sha256: str
    found: Mapping[str, FoundFile]
    who: Mapping[str, Known]
    rules: Rules


class ProjectImportService:
    """Use cases of imports of whole projects."""

    def __init__(
        self,
        tenants: Database,
        store: BlobStore,
        limits: BoardLimits,
        *,
        rules: Callable[[Actor], Awaitable[Rules]],
        identity: Callable[[], Identity | None],
    ) -> None:
        self._tenants = WalledDatabase(tenants)
        self._store = store
        self._limits = limits
        self._rules = rules
        self._identity = identity
        self._projects = ProjectRepository()
        self._imports = ProjectImportRepository()
        self._founding = Founding(limits)
        self._filling = Filling(limits)
        self._history = History()

    @property
    def bytes_max(self) -> int:
        """Return how large an archive may be."""
        return self._limits.project_archive_bytes_max

    def check_size(self, length: int | None) -> None:
        """Return when a body that is announced to be so long is taken."""
        if length is not None and length > self.bytes_max:
            raise ImportTooLarge(f"The archive is over the limit of {self.bytes_max} bytes.")

    async def import_project(
        self,
        parts: AsyncGenerator[bytes, None],
        options: ProjectImportOptions,
        *,
        actor: Actor,
        once: OnceFor,
    ) -> ProjectImportReport:
        """Make a project of a document, or of an archive with the files of its items.

        What was imported already from the same document is left alone. Raises
        `ImportUnreadable`, `ImportTooLarge`, `ArchiveUnsafe`, `ProjectKeyTaken`, what has no
        room, and `ProjectImportRejected` when parts are wrong; a dry run reports them instead.
        """
        async with self._spooled(parts) as spool:
            bundle = await asyncio.to_thread(Bundle, spool, self._limits)
            read = await self._read(bundle, actor)
            world, done = await self._tenants.read(actor, lambda tx: self._look(tx, read, options))
            if done is not None:
                return await self._again(done, once(read.sha256), options, actor)
            made = await asyncio.to_thread(self._plan, read, options, world)
            if options.dry_run:
                return _report(made, read, ProjectImportStatus.CHECKED)
            if made.wrong:
                raise ProjectImportRejected(_report(made, read, ProjectImportStatus.REJECTED))
            kept = await self._kept(bundle, made, actor)
            return await self._written(read, options, (made, world), kept, actor, once)

    async def _again(
        self,
        done: ProjectImportReport,
        once: Once[ProjectImportReport] | None,
        options: ProjectImportOptions,
        actor: Actor,
    ) -> ProjectImportReport:
        """Return what a request was told that is sent again, or that there is nothing to do."""
        if options.dry_run:
            return done
        return await self._tenants.write(actor, lambda _: done, once=once)

    def _look(
        self, tx: Tx, read: _Read, options: ProjectImportOptions
    ) -> tuple[World, ProjectImportReport | None]:
        """Return what is here, and the report where there is nothing left to do.

        Raises `ProjectKeyTaken` for the key of another project.
        """
        frame = read.document.frame
        key = options.key or frame.project.key
        project = self._projects.find(tx, key)
        if project is None:
            return self._founding.world(tx, frame), None
        if project.deleted_at is None and self._imports.mark(tx, project.id) == read.sha256:
            report = ProjectImportReport(
                status=ProjectImportStatus.ALREADY_IMPORTED,
                project_id=project.id,
                project_key=project.key,
                counts=Counts(),
                people_matched=0,
                people_named=(),
                parts_wrong=0,
            )
            return self._founding.world(tx, frame), report
        raise ProjectKeyTaken(project.key)

    async def _written(
        self,
        read: _Read,
        options: ProjectImportOptions,
        planned: tuple[Plan, World],
        kept: Mapping[str, KeptFile],
        actor: Actor,
        once: OnceFor,
    ) -> ProjectImportReport:
        used: set[str] = set()
        names = {one.name for one in kept.values()}
        try:
            report = await self._tenants.write(
                actor,
                lambda tx: self._write(tx, read, options, planned, (kept, used), actor),
                once=once(read.sha256),
            )
        except Unavailable:
            # It may have been written all the same: if not, the bytes are swept as strays.
            raise
        except TidemillError:
            await self._discard(names, actor)
            raise
        # The tenant has the others already, or this is an answer that was given before.
        await self._discard(names - used, actor)
        return report

    def _write(
        self,
        tx: Tx,
        read: _Read,
        options: ProjectImportOptions,
        planned: tuple[Plan, World],
        files: tuple[Mapping[str, KeptFile], set[str]],
        actor: Actor,
    ) -> ProjectImportReport:
        made, world = planned
        kept, used = files
        self._founding.lock(tx, made.frame)
        now, done = self._look(tx, read, options)
        if done is not None:
            return done
        # What projects share has hardly ever changed since it was looked at.
        if now != world:
            made = self._plan(read, options, now)
            if made.wrong:
                raise ProjectImportRejected(_report(made, read, ProjectImportStatus.REJECTED))
        strangers = [one for one in read.who.values() if not one.is_member]
        self._imports.remember(tx, strangers)
        founded = self._founding.found(tx, made, by=actor)
        used |= self._filling.use_files(tx, made, kept, bytes_max=read.rules.bytes_per_tenant_max)
        ids, left_out = self._filling.fill(tx, made, founded, read.who, by=actor)
        project = self._founding.close(tx, founded.project, made.frame, by=actor)
        self._imports.set_mark(tx, project.id, read.sha256, actor.user_id or actor.id)
        fact = ProjectImported(
            project_id=project.id, key=project.key, items=len(ids), user_id=actor.user_id
        )
        self._history.came(tx, fact, ids.values(), by=actor)
        report = _report(made, read, ProjectImportStatus.IMPORTED, project.id, left_out)
        tx.audit(
            "board.projects.import",
            by=actor,
            resource=f"project:{project.id}",
            after={"key": project.key, "sha256": read.sha256, "counts": report.counts},
        )
        return report

    async def _read(self, bundle: Bundle, actor: Actor) -> _Read:
        data = await asyncio.to_thread(bundle.document)
        document = await asyncio.to_thread(read_document, data, self._limits)
        found = await asyncio.to_thread(bundle.found)
        members = await self._members(document, actor)
        who = who_is_who(called_in(document), document.frame.people, members, actor.tenant_id)
        digest = hashlib.sha256(data)
        for sha256 in sorted(found):
            digest.update(sha256.encode())
        return _Read(
            document=document,
            sha256=digest.hexdigest(),
            found=found,
            who=who,
            rules=await self._rules(actor),
        )

    async def _members(self, document: ProjectDocument, actor: Actor) -> dict[str, Known]:
        """Return the members of the tenant by those addresses of the document that are theirs."""
        identity = self._identity()
        found: dict[str, Known] = {}
        for part in document.frame.people:
            if identity is None or part.email is None:
                continue
            person = await identity.find_by_email(part.email, by=actor)
            if person is not None:
                found[part.email] = Known(person.user_id, person.name, is_member=True)
        return found

    def _plan(self, read: _Read, options: ProjectImportOptions, world: World) -> Plan:
        given = Given(
            key=options.key,
            who=read.who,
            found=read.found,
            limits=self._limits,
            types=read.rules.types,
        )
        return plan(read.document, world, given)

    @asynccontextmanager
    async def _spooled(self, parts: AsyncGenerator[bytes, None]) -> AsyncIterator[IO[bytes]]:
        """Write what comes to a nameless file, of which memory holds a part at a time."""
        size = 0
        with tempfile.TemporaryFile() as spool:
            async with aclosing(parts) as coming:
                async for part in coming:
                    size += len(part)
                    self.check_size(size)
                    try:
                        await asyncio.to_thread(spool.write, part)
                    except OSError as error:
                        place, reason = tempfile.gettempdir(), error.strerror or "no room"
                        raise BlobsUnavailable(place, reason.lower()) from error
            yield spool

    async def _kept(self, bundle: Bundle, made: Plan, actor: Actor) -> dict[str, KeptFile]:
        """Keep the bytes of all files that items have, each once."""
        kept: dict[str, KeptFile] = {}
        try:
            for sha256 in sorted({file.sha256 for one in made.items for file in one.files}):
                blob = await self._store.begin(actor.tenant_id)
                try:
                    coming = bundle.parts_of(sha256)
                    while (part := await asyncio.to_thread(next, coming, None)) is not None:
                        await blob.write(part)
                    kept[sha256] = KeptFile(await blob.keep(), blob.bytes_written)
                finally:
                    await blob.drop()
        except BaseException:
            await self._discard([one.name for one in kept.values()], actor)
            raise
        return kept

    async def _discard(self, names: Iterable[str], actor: Actor) -> None:
        # What cannot be removed now is swept as a stray.
        with suppress(BlobsUnavailable):
            for name in sorted(names):
                await self._store.remove(actor.tenant_id, name)


def _report(
    made: Plan,
    read: _Read,
    status: ProjectImportStatus,
    project_id: ProjectId | None = None,
    left_out: tuple[str, ...] = (),
) -> ProjectImportReport:
    people = tuple(read.who.values())
    wrong: tuple[WrongPart, ...] = made.wrong
    return ProjectImportReport(
        status=status,
        project_id=project_id,
        project_key=made.frame.key,
        counts=made.counts,
        people_matched=len({one.id for one in people if one.is_member}),
        people_named=named(people),
        parts_wrong=len(wrong),
        wrong=wrong[:wrong_told_max],
        left_out=(*made.left_out, *left_out),
    )
