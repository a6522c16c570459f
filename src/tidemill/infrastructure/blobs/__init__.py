"""Where the bytes of files lie: in directories, or in a bucket."""

from tidemill.infrastructure.blobs.factory import BlobOptions, open_blobs

__all__ = ["BlobOptions", "open_blobs"]
