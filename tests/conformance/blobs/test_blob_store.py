"""What every `BlobStore` promises, in directories and in a bucket of a real server."""

from __future__ import annotations

import hashlib
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.request import Request, urlopen

import pytest

from tidemill.core.blobs import BlobMissing, BlobStore, BlobsUnavailable
from tidemill.core.clock import seconds_after
from tidemill.core.ids import InvalidTenantId, TenantId
from tidemill.infrastructure.blobs import BlobOptions, open_blobs
from tidemill.runtime.clock import SystemClock

pytestmark = pytest.mark.anyio

HARBOUR: Final = TenantId("harbour")
QUAY: Final = TenantId("quay")
_BUCKET: Final = "tides"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """Serve S3 on a free port of this machine, with one bucket."""
    # Takes a second to load, which only the full tier has.
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    with urlopen(Request(f"{url}/{_BUCKET}", method="PUT")):  # noqa: S310 - an address of ours
        yield url
    server.stop()


@pytest.fixture(
    params=[
        "directories",
        pytest.param("s3", marks=pytest.mark.full(reason="a server of S3 takes seconds to load")),
    ]
)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    if request.param == "directories":
        return open_blobs(BlobOptions(data_dir=tmp_path))
    return _bucket(request.getfixturevalue("endpoint"), tmp_path)


def _bucket(endpoint: str, tmp_path: Path, name: str = _BUCKET) -> BlobStore:
    url = f"s3://{name}/{tmp_path.name}"
    return open_blobs(BlobOptions(data_dir=tmp_path, **_place(endpoint, url)))


def _place(endpoint: str, url: str) -> dict[str, str]:
    return {"url": url, "endpoint": endpoint, "access_key": "id", "secret_key": "secret"}


async def kept(store: BlobStore, *parts: bytes, tenant: TenantId = HARBOUR) -> str:
    """Return the name under which `store` keeps a content."""
    incoming = await store.begin(tenant)
    try:
        for part in parts:
            await incoming.write(part)
        return await incoming.keep()
    finally:
        await incoming.drop()


async def read(store: BlobStore, name: str, start: int, length: int) -> bytes:
    parts = await store.read(HARBOUR, name, start=start, length=length)
    return b"".join([part async for part in parts])


async def names(
    store: BlobStore, tenant: TenantId = HARBOUR, *, in_seconds: float = 60
) -> list[str]:
    before = seconds_after(SystemClock().now(), in_seconds)
    return sorted([name async for name in store.older_than(tenant, before)])


async def test_blob_store_gives_back_what_it_was_given(store: BlobStore) -> None:
    parts = [b"ebb ", b"flood " * 100_000, b"slack"]
    whole = b"".join(parts)

    name = await kept(store, *parts)

    assert name.startswith(f"{hashlib.sha256(whole).hexdigest()[:2]}/")
    assert hashlib.sha256(whole).hexdigest() in name
    assert await read(store, name, 0, len(whole)) == whole
    assert await read(store, name, 3, 5) == whole[3:8]
    assert await read(store, name, len(whole) - 1, 1) == b"k"


async def test_blob_store_tells_digest_and_size_of_what_came_so_far(store: BlobStore) -> None:
    incoming = await store.begin(HARBOUR)
    await incoming.write(b"ebb")
    await incoming.write(b" and flood" * 50_000)
    whole = b"ebb" + b" and flood" * 50_000
    told = (incoming.sha256, incoming.bytes_written)
    await incoming.drop()

    assert told == (hashlib.sha256(whole).hexdigest(), len(whole))
    assert await names(store) == []


async def test_blob_store_never_gives_a_name_twice(store: BlobStore) -> None:
    first, second = await kept(store, b"ebb"), await kept(store, b"ebb")
    await store.remove(HARBOUR, first)
    await store.remove(HARBOUR, first)

    assert first != second
    assert await read(store, second, 0, 3) == b"ebb"
    with pytest.raises(BlobMissing):
        await store.read(HARBOUR, first, start=0, length=3)


async def test_blob_store_keeps_tenants_apart(store: BlobStore) -> None:
    name = await kept(store, b"ebb")
    theirs = await kept(store, b"flood", tenant=QUAY)

    assert [tenant async for tenant in store.tenants()] == [HARBOUR, QUAY]
    assert (await names(store), await names(store, QUAY)) == ([name], [theirs])
    with pytest.raises(BlobMissing):
        await store.read(QUAY, name, start=0, length=1)
    for wrong in ("../quay", "a/b", ""):
        with pytest.raises(InvalidTenantId):
            await store.begin(TenantId(wrong))
    for wrong in (f"../{QUAY}/blobs/{theirs}", "../../secret", f"{name}/.."):
        with pytest.raises(ValueError, match=r"\.\."):
            await store.read(HARBOUR, wrong, start=0, length=1)


async def test_blob_store_lists_what_is_old_enough(store: BlobStore) -> None:
    name = await kept(store, b"ebb")

    assert await names(store, in_seconds=-60) == []
    assert await names(store) == [name]
    assert await store.check() is None


async def test_blob_store_in_directories_holds_little_in_memory(tmp_path: Path) -> None:
    store, part = open_blobs(BlobOptions(data_dir=tmp_path)), bytes(64 * 1024)
    tracemalloc.start()
    name = await kept(store, *[part] * 320)
    length = 0
    async for each in await store.read(HARBOUR, name, start=0, length=320 * len(part)):
        length += len(each)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert length == 20 * 1024 * 1024
    assert peak < 4 * 1024 * 1024


async def test_blob_store_in_directories_tells_of_a_file_that_was_cut(tmp_path: Path) -> None:
    store = open_blobs(BlobOptions(data_dir=tmp_path))
    name = await kept(store, b"ebb and flood")
    file = tmp_path / "tenants" / HARBOUR / "blobs" / name
    file.write_bytes(b"ebb")

    with pytest.raises(BlobMissing):
        await read(store, name, 0, 13)
    assert file.stat().st_mode & 0o077 == file.parent.stat().st_mode & 0o077 == 0


async def test_blob_store_in_directories_leaves_what_others_put_there(tmp_path: Path) -> None:
    store = open_blobs(BlobOptions(data_dir=tmp_path))
    name = await kept(store, b"ebb")
    folder = tmp_path / "tenants" / HARBOUR / "blobs"
    (folder / "README").write_text("ours")
    (folder / name).with_name("notes.txt").write_text("ours")
    (tmp_path / "tenants" / "no tenant").mkdir()

    assert await names(store) == [name]
    assert [tenant async for tenant in store.tenants()] == [HARBOUR]


async def test_blob_store_in_directories_says_when_the_disk_refuses(tmp_path: Path) -> None:
    (tmp_path / "tenants").write_text("no directory")
    store = open_blobs(BlobOptions(data_dir=tmp_path))

    with pytest.raises(BlobsUnavailable, match="not a directory"):
        await store.begin(HARBOUR)


@pytest.mark.full(reason="a server of S3 takes seconds to load")
async def test_blob_store_in_a_bucket_says_what_is_wrong_with_it(
    endpoint: str, tmp_path: Path
) -> None:
    store = _bucket(endpoint, tmp_path, "elsewhere")

    assert "no such bucket" in str(await store.check())
    with pytest.raises(BlobsUnavailable, match="no such bucket"):
        await kept(store, b"ebb")
    assert list((tmp_path / "incoming").iterdir()) == [], "the spool has no name"


@pytest.mark.full(reason="a server of S3 takes seconds to load")
async def test_blob_store_in_a_bucket_lies_below_its_prefix(endpoint: str, tmp_path: Path) -> None:
    await kept(_bucket(endpoint, tmp_path), b"ebb")
    above = open_blobs(BlobOptions(data_dir=tmp_path, **_place(endpoint, f"s3://{_BUCKET}")))

    assert tmp_path.name in [folder async for folder in above.tenants()]
