"""Heads of chains that are kept apart from the database, so that a cut tail shows.

One small file for each tenant, in a directory that the operator may put on another disk or
copy elsewhere. A line is `seq hash signature`, signed with the chain's key. A chain that has lost
the head that was kept gets no newer one: lines that follow a cut would else hide it.
"""

from __future__ import annotations

import asyncio
import hmac
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import structlog

from tidemill.audit.chain.models import Head
from tidemill.core.ids import TenantId, tenant_id

log = structlog.get_logger(__name__)

interval_seconds: Final = 3600.0


class WitnessForged(RuntimeError):
    """A kept head does not carry the key's signature."""


class WitnessedLineLost(RuntimeError):
    """The line that was the head when it was kept is not in the chain any more."""


HeadAfter = Callable[[TenantId, Head | None], Awaitable[Head]]
"""Returns a chain's head; raises `WitnessedLineLost` where the chain has lost the one given."""


class Witness:
    """Keeps the last head of each chain that moved since the last time."""

    def __init__(self, directory: Path, key: bytes) -> None:
        self._directory = directory
        self._key = key
        self._moved: set[TenantId] = set()

    async def moved(self, tenant: TenantId) -> None:
        """Note that a chain has new lines; the note outlives this process."""
        if tenant in self._moved:
            return
        # Known before it is marked, so that `keep` beside us does not take the new mark away.
        self._moved.add(tenant)
        try:
            await asyncio.to_thread(self._mark, tenant)
        except BaseException:
            self._moved.discard(tenant)
            raise

    async def keep(self, head_after: HeadAfter) -> None:
        """Write the heads of the chains that moved, but of those that have lost what was kept."""
        for tenant in await asyncio.to_thread(self._marked):
            self._moved.discard(tenant)
            try:
                head = await head_after(tenant, await self.last(tenant))
                await asyncio.to_thread(self._write, tenant, head)
                if tenant not in self._moved:
                    await asyncio.to_thread(self._unmark, tenant)
            except (WitnessForged, WitnessedLineLost) as broken:
                log.error("audit.chain.broken", tenant_id=tenant, reason=str(broken))  # noqa: TRY400 - its words say all
            except Exception:
                log.exception("audit.witness.failed", tenant_id=tenant)

    async def last(self, tenant: TenantId) -> Head | None:
        """Return the head that was kept last, or None. Raises `WitnessForged`."""
        return await asyncio.to_thread(self._read, tenant)

    def _mark(self, tenant: TenantId) -> None:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path(tenant).with_suffix(".moved").touch(mode=0o600)

    def _unmark(self, tenant: TenantId) -> None:
        self._path(tenant).with_suffix(".moved").unlink(missing_ok=True)

    def _marked(self) -> list[TenantId]:
        return sorted(TenantId(path.stem) for path in self._directory.glob("*.moved"))

    def _write(self, tenant: TenantId, head: Head) -> None:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._path(tenant)
        draft = path.with_suffix(".part")
        with draft.open("w", encoding="ascii") as file:
            file.write(f"{head.seq} {head.hash} {self._signature(tenant, head)}\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)

    def _read(self, tenant: TenantId) -> Head | None:
        try:
            text = self._path(tenant).read_text(encoding="ascii")
            seq, _, rest = text.strip().partition(" ")
            hash_, _, signature = rest.partition(" ")
            head = Head(seq=int(seq), hash=hash_)
        except FileNotFoundError:
            return None
        except ValueError as damaged:
            raise WitnessForged(f"{self._path(tenant)} is not what was written.") from damaged
        if not hmac.compare_digest(signature, self._signature(tenant, head)):
            raise WitnessForged(f"{self._path(tenant)} does not carry the right signature.")
        return head

    def _path(self, tenant: TenantId) -> Path:
        return self._directory / f"{tenant_id(tenant)}.head"

    def _signature(self, tenant: TenantId, head: Head) -> str:
        message = f"head:{tenant}:{head.seq}:{head.hash}".encode()
        return hmac.digest(self._key, message, "sha256").hex()


class WitnessKeeper:
    """Keeps the heads when the process stops, besides each hour."""

    def __init__(self, witness: Witness, head_after: HeadAfter) -> None:
        self._witness = witness
        self._head_after = head_after

    async def keep(self) -> None:
        """Write the heads of the chains that moved."""
        await self._witness.keep(self._head_after)

    async def start(self) -> None:
        """Nothing runs between the keepings."""

    async def stop(self) -> None:
        """Keep the heads a last time."""
        await self.keep()
