"""Blobs in a bucket of S3, or of what speaks like it: `PREFIX/TENANT/AB/DIGEST.ID`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import obstore
import structlog
from msgspec import Struct
from obstore.exceptions import BaseError
from obstore.store import S3Store

from tidemill.core.blobs import BlobMissing, BlobsUnavailable, IncomingBlob
from tidemill.core.clock import Instant, from_datetime
from tidemill.core.ids import InvalidTenantId, TenantId, tenant_id
from tidemill.infrastructure.blobs.names import checked, is_ours, name_of
from tidemill.infrastructure.blobs.spool import Spool

if TYPE_CHECKING:
    from obstore.store import S3Config

log = structlog.get_logger(__name__)

part_bytes: Final = 256 * 1024
# S3 takes parts of 5 MiB and more; of each upload, this many are in memory at once.
_sent_part_bytes: Final = 5 * 1024 * 1024
_sent_at_once: Final = 2
_retries_max: Final = 3
_retry_timeout: Final = timedelta(seconds=15)
_connect_timeout: Final = timedelta(seconds=5)
_timeout: Final = timedelta(seconds=60)
_listed_at_once: Final = 500
_PROBE: Final = "tidemill-probe"


class Bucket(Struct, frozen=True, kw_only=True):
    """Where a bucket is; without an endpoint at Amazon, without keys with the machine's own."""

    name: str
    prefix: str = ""
    endpoint: str = ""
    region: str = "us-east-1"
    access_key: str = ""
    secret_key: str = ""


class S3Blobs:
    """See `BlobStore`; bytes on their way in lie in a nameless file in `spool_directory`."""

    def __init__(self, bucket: Bucket, spool_directory: Path) -> None:
        self._bucket = bucket
        self._store = _opened(bucket)
        self._spool_directory = spool_directory

    async def begin(self, tenant_id: TenantId) -> IncomingBlob:
        """See `BlobStore.begin`."""
        spool = await Spool.open(self._spool_directory)
        id_ = spool.path.name
        # Without its name it goes with this process, whatever happens to that.
        spool.path.unlink()
        return _Incoming(self, _checked(tenant_id), id_, spool)

    async def read(
        self, tenant_id: TenantId, name: str, *, start: int, length: int
    ) -> AsyncIterator[bytes]:
        """See `BlobStore.read`."""
        with self._told():
            found = await obstore.get_async(
                self._store,
                f"{_checked(tenant_id)}/{checked(name)}",
                options={"range": (start, start + length)},
            )
        return self._parts(found)

    async def remove(self, tenant_id: TenantId, name: str) -> None:
        """See `BlobStore.remove`."""
        try:
            with self._told():
                await obstore.delete_async(self._store, f"{_checked(tenant_id)}/{checked(name)}")
        except BlobMissing:
            return

    async def older_than(self, tenant_id: TenantId, before: Instant) -> AsyncIterator[str]:
        """See `BlobStore.older_than`."""
        folder = _checked(tenant_id)
        with self._told():
            async for page in obstore.list(self._store, folder, chunk_size=_listed_at_once):
                for found in page:
                    name = found["path"].removeprefix(f"{folder}/")
                    if is_ours(name) and from_datetime(found["last_modified"]) < before:
                        yield name

    async def tenants(self) -> AsyncIterator[TenantId]:
        """See `BlobStore.tenants`."""
        with self._told():
            listed = await obstore.list_with_delimiter_async(self._store)
        for name in listed["common_prefixes"]:
            try:
                yield tenant_id(name)
            except InvalidTenantId:
                continue

    async def check(self) -> str | None:
        """See `BlobStore.check`; a listing shows that the bucket is there and lets us in."""
        try:
            with self._told():
                async for _ in obstore.list(self._store, _PROBE, chunk_size=1):
                    break
        except BlobsUnavailable as error:
            return error.message
        return None

    async def put(self, tenant: str, name: str, spool: Spool) -> None:
        """Send what `spool` holds; the bucket shows it when it has all of it."""
        with self._told(), await spool.reader() as file:
            await obstore.put_async(
                self._store,
                f"{tenant}/{name}",
                file,
                chunk_size=_sent_part_bytes,
                max_concurrency=_sent_at_once,
            )

    async def _parts(self, found: obstore.GetResult) -> AsyncIterator[bytes]:
        with self._told():
            async for part in found.stream(min_chunk_size=part_bytes):
                yield bytes(part)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Name what the library raises; its own words hold addresses, and go to the log."""
        try:
            yield
        except (BaseError, OSError) as error:
            if "NoSuchBucket" in str(error):
                raise self._away(error, "there is no such bucket") from error
            if isinstance(error, FileNotFoundError):
                raise BlobMissing from error
            raise self._away(error, "the bucket does not answer as it should") from error

    def _away(self, error: Exception, reason: str) -> BlobsUnavailable:
        log.warning("blobs.s3.failed", bucket=self._bucket.name, error=str(error)[:500])
        return BlobsUnavailable("S3", reason)


class _Incoming:
    """See `IncomingBlob`."""

    def __init__(self, blobs: S3Blobs, tenant: str, id_: str, spool: Spool) -> None:
        self._blobs = blobs
        self._tenant = tenant
        self._id = id_
        self._spool = spool

    @property
    def sha256(self) -> str:
        return self._spool.sha256

    @property
    def bytes_written(self) -> int:
        return self._spool.bytes_written

    async def write(self, part: bytes) -> None:
        await self._spool.write(part)

    async def keep(self) -> str:
        name = name_of(self.sha256, self._id)
        await self._blobs.put(self._tenant, name, self._spool)
        return name

    async def drop(self) -> None:
        await self._spool.discard()


def _checked(tenant: TenantId) -> str:
    return tenant_id(tenant)


def _opened(bucket: Bucket) -> S3Store:
    config: S3Config = {
        "region": bucket.region,
        "virtual_hosted_style_request": not bucket.endpoint,
    }
    if bucket.endpoint:
        config["endpoint"] = bucket.endpoint
    if bucket.access_key:
        config["access_key_id"] = bucket.access_key
        config["secret_access_key"] = bucket.secret_key
    return S3Store(
        bucket.name,
        prefix=bucket.prefix or None,
        config=config,
        client_options={
            "allow_http": bucket.endpoint.startswith("http://"),
            "connect_timeout": _connect_timeout,
            "timeout": _timeout,
        },
        retry_config={"max_retries": _retries_max, "retry_timeout": _retry_timeout},
    )
