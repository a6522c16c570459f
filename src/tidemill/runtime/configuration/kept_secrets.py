"""Secrets that are made once and kept in the data directory, readable by their owner only."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Final

from msgspec import structs

from tidemill.core.config import Config, ConfigRefused

_SECRET_BYTES: Final = 48
_OTHERS: Final = 0o077


def with_kept_secrets(config: Config) -> Config:
    """Return `config` with the secrets it lacks, made now or at an earlier start.

    They lie in `keys` under `server.data_dir`. Production brings its own signing key: there,
    `load_config` has refused its absence. Raises `ConfigRefused` when a key's file can be read
    by others, or cannot be written.
    """
    keys = Path(config.server.data_dir) / "keys"
    auth, audit, sealing = config.auth, config.audit, config.secrets
    if not auth.jwt_secret:
        auth = structs.replace(auth, jwt_secret=kept_secret(keys / "jwt_secret"))
    if not audit.chain_key:
        audit = structs.replace(audit, chain_key=kept_secret(keys / "audit_chain_key"))
    if not sealing.master_key:
        master_key = kept_secret(keys / "secrets_master_key")
        sealing = structs.replace(sealing, master_key=master_key)
    return structs.replace(config, auth=auth, audit=audit, secrets=sealing)


def kept_secret(path: Path) -> str:
    """Return the secret in `path`, which is made when there is none."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            _make(path)
        if path.stat().st_mode & _OTHERS:
            raise ConfigRefused([f"Others can read {path}: run `chmod 600 {path}`."])
        secret = path.read_text(encoding="ascii").strip()
    except OSError as error:
        raise ConfigRefused([f"{path} cannot be kept: {error.strerror}."]) from error
    if not secret:
        raise ConfigRefused([f"{path} is empty. Restore it, or remove it to get a new one."])
    return secret


def _make(path: Path) -> None:
    # Linked into place when complete: two processes that start at once agree on one secret.
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(_SECRET_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
