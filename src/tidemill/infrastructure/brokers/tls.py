"""TLS to a broker: whom to trust, and the certificate to show."""

from __future__ import annotations

import ssl
from typing import Final

from msgspec import Struct

_SECURE: Final = frozenset({"amqps", "tls", "wss"})


class BrokerTls(Struct, frozen=True, kw_only=True):
    """Files for addresses that ask for TLS; without `ca_file` the machine's authorities count."""

    ca_file: str = ""
    certificate_file: str = ""
    key_file: str = ""


class TlsFileUnusable(OSError):
    """A file of `message_queue` cannot be read, or holds something else."""


def is_secure(url: str) -> bool:
    """Return whether an address asks for TLS."""
    return url.partition("://")[0] in _SECURE


def context_of(url: str, tls: BrokerTls) -> ssl.SSLContext | None:
    """Return what verifies the broker at `url`, or None where the address asks for no TLS.

    Read for each connection, since certificates are replaced. Raises `TlsFileUnusable`.
    """
    if not is_secure(url):
        return None
    try:
        context = ssl.create_default_context(cafile=tls.ca_file or None)
    except OSError as error:
        raise _unusable("tls_ca_file", tls.ca_file, error) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls.certificate_file:
        try:
            context.load_cert_chain(tls.certificate_file, tls.key_file)
        except OSError as error:
            names = f"{tls.certificate_file} with tls_key_file {tls.key_file}"
            raise _unusable("tls_certificate_file", names, error) from error
    return context


def _unusable(setting: str, names: str, error: OSError) -> TlsFileUnusable:
    why = error.strerror or str(error)
    return TlsFileUnusable(f"message_queue.{setting} {names} cannot be used: {why}")
