"""What the peer's routes share: its database, the audit line, and who calls."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from typing import Annotated, Any

import jwt
from fastapi import Depends, Header, HTTPException
from sqlalchemy import JSON, String, event
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from benchmarks.http.peer_names import SECRET

engine = create_async_engine(f"sqlite+aiosqlite:///{os.environ['PEER_DB']}")
session_factory = async_sessionmaker(engine, expire_on_commit=False)


@event.listens_for(engine.sync_engine, "connect")
def _pragmas(connection: Any, _: Any) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=5000"):
        connection.execute(f"PRAGMA {pragma}")


class Base(DeclarativeBase):
    pass


class AuditLine(Base):
    __tablename__ = "audit_lines"
    id: Mapped[str] = mapped_column(String, primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String, index=True)
    action: Mapped[str]
    actor_id: Mapped[str]
    resource: Mapped[str]
    request_id: Mapped[str]
    after: Mapped[dict[str, Any]] = mapped_column(JSON)
    at: Mapped[int]


async def actor(authorization: Annotated[str, Header()]) -> dict[str, Any]:
    try:
        claims: dict[str, Any] = jwt.decode(
            authorization.removeprefix("Bearer "), SECRET, algorithms=["HS256"], audience="tidemill"
        )
    except jwt.InvalidTokenError as error:
        raise HTTPException(401) from error
    return claims


async def database() -> AsyncIterator[AsyncSession]:
    async with session_factory() as session:
        yield session


Actor = Annotated[dict[str, Any], Depends(actor)]
Database = Annotated[AsyncSession, Depends(database)]
