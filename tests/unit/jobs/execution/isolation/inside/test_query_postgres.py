from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tidemill.jobs.execution.isolation.inside.addresses import Guard
from tidemill.jobs.execution.isolation.inside.query_postgres import Loop, _tls

HOST = "db.example.org"


def a_certificate(folder: Path) -> tuple[str, Path]:
    """Return a certificate of `HOST` as text, and a file with it and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    text = made.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file = folder / "server.pem"
    file.write_bytes(text + secret)
    return text.decode(), file


@pytest.mark.parametrize(("host", "trusted"), [(HOST, True), ("other.example.org", False)])
def test_tls_checks_the_name_of_the_host_though_it_connects_to_an_address(
    tmp_path: Path, host: str, *, trusted: bool
) -> None:
    certificate, file = a_certificate(tmp_path)
    server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server_side.load_cert_chain(file)
    guard = Guard(["127.0.0.1"])

    async def connect() -> bool:
        server = await asyncio.start_server(
            lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=server_side
        )
        port = server.sockets[0].getsockname()[1]
        (address,) = guard.resolve("127.0.0.1", port)
        context = _tls("verify-full", host, certificate)
        try:
            _, writer = await asyncio.open_connection(address, port, ssl=context)
        except ssl.SSLCertVerificationError:
            return False
        finally:
            server.close()
        writer.close()
        return True

    with asyncio.Runner(loop_factory=lambda: Loop(guard)) as runner:
        assert runner.run(connect()) is trusted


def test_loop_connects_to_nothing_that_was_not_approved() -> None:
    async def connect() -> None:
        server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
        try:
            await asyncio.open_connection("127.0.0.1", server.sockets[0].getsockname()[1])
        finally:
            server.close()

    with (
        asyncio.Runner(loop_factory=lambda: Loop(Guard([]))) as runner,
        pytest.raises(PermissionError, match="not approved"),
    ):
        runner.run(connect())
