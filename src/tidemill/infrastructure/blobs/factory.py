"""Which adapter keeps blobs."""

from __future__ import annotations

from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

from tidemill.core.blobs import BlobStore, BlobsUnavailable
from tidemill.infrastructure.blobs.directories import DirectoryBlobs

_EXTRA: Final = "the package obstore is not installed; install tidemill[s3]"


class BlobOptions(Struct, frozen=True, kw_only=True):
    """`url` is s3://BUCKET/PREFIX, or empty for files below `data_dir`."""

    data_dir: Path
    url: str = ""
    endpoint: str = ""
    region: str = "us-east-1"
    access_key: str = ""
    secret_key: str = ""


def open_blobs(options: BlobOptions) -> BlobStore:
    """Return what keeps blobs; raises `BlobsUnavailable` where its library is not installed."""
    if not options.url:
        return DirectoryBlobs(options.data_dir / "tenants")
    try:
        # Loaded only where it is used; it is an extra, and brings 20 MB.
        from tidemill.infrastructure.blobs.s3 import (  # noqa: PLC0415 - as above
            Bucket,
            S3Blobs,
        )
    except ModuleNotFoundError as error:
        raise BlobsUnavailable("S3", _EXTRA) from error
    parts = urlsplit(options.url)
    bucket = Bucket(
        name=parts.netloc,
        prefix=parts.path.strip("/"),
        endpoint=options.endpoint,
        region=options.region,
        access_key=options.access_key,
        secret_key=options.secret_key,
    )
    return S3Blobs(bucket, options.data_dir / "incoming")
