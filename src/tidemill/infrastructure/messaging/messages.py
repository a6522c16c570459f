"""How facts and ephemeral updates look on a wire, and under which subject they travel."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from tidemill.core.facts import RecordedFact
from tidemill.core.ports import Ephemeral, FactBatch
from tidemill.infrastructure.messaging.errors import InvalidSubject

payload_bytes_max: Final = 1_000_000
"""Larger facts travel as their number only; a NATS server refuses more than 1 MiB."""

_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
_facts: Final = msgspec.json.Decoder(FactBatch)
_ephemeral: Final = msgspec.json.Decoder(Ephemeral)


def subject(prefix: str, *tokens: str) -> str:
    """Return `prefix.token.token…`; refuse tokens that a broker would read as a pattern."""
    for token in tokens:
        if not _TOKEN.fullmatch(token):
            raise InvalidSubject(token)
    return ".".join((prefix, *tokens))


def fact_subject(prefix: str, fact: RecordedFact) -> str:
    """Return `prefix.<tenant>.<feature>.<fact>`."""
    return subject(prefix, fact.tenant_id, fact.feature, fact.type)


def check_subjects(batches: tuple[FactBatch, ...]) -> None:
    """Raise `InvalidSubject` before anything of `batches` is sent."""
    for batch in batches:
        subject("", batch.tenant_id)
        for fact in batch.facts:
            fact_subject("", fact)


def encode_fact(fact: RecordedFact) -> bytes:
    """Return one fact as a batch of its own, or its number when it is too large to travel."""
    whole = FactBatch(tenant_id=fact.tenant_id, through=fact.seq, facts=(fact,))
    encoded = msgspec.json.encode(whole)
    if len(encoded) <= payload_bytes_max:
        return encoded
    return encode_number(fact.tenant_id, fact.seq)


def encode_number(tenant_id: str, through: int) -> bytes:
    """Return a batch that carries only its number."""
    return msgspec.json.encode({"tenant_id": tenant_id, "through": through})


def decode_facts(payload: bytes | str) -> FactBatch:
    """Return what `encode_fact` made. Raises `msgspec.DecodeError`."""
    return _facts.decode(payload)


def encode_ephemeral(update: Ephemeral) -> bytes:
    """Return an update as JSON."""
    return msgspec.json.encode(update)


def decode_ephemeral(payload: bytes | str) -> Ephemeral:
    """Return what `encode_ephemeral` made. Raises `msgspec.DecodeError`."""
    return _ephemeral.decode(payload)
