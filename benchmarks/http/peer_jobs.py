"""The peer's way to start a job: find the script, check the arguments, write job and audit line."""

from __future__ import annotations

import json
import time
import uuid
from datetime import datetime
from functools import lru_cache
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from jsonschema_rs import Draft202012Validator
from pydantic import BaseModel, Field
from sqlalchemy import JSON, ForeignKey, String, select
from sqlalchemy.orm import Mapped, mapped_column

from benchmarks.http.peer_base import Actor, AuditLine, Base, Database
from benchmarks.http.peer_names import SCRIPT, TENANT

router = APIRouter()
_SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "count": {"type": "integer", "default": 1}},
    "required": ["name"],
    "additionalProperties": False,
}


class Script(Base):
    __tablename__ = "scripts"
    id: Mapped[str] = mapped_column(String, primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String, index=True)
    path: Mapped[str] = mapped_column(String, index=True)
    language: Mapped[str]
    content_hash: Mapped[str]
    json_schema: Mapped[str]


class Job(Base):
    __tablename__ = "jobs"
    id: Mapped[str] = mapped_column(String, primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String, index=True)
    script_id: Mapped[str] = mapped_column(ForeignKey("scripts.id"), index=True)
    script_path: Mapped[str]
    content_hash: Mapped[str]
    args: Mapped[dict[str, Any]] = mapped_column(JSON)
    tag: Mapped[str]
    priority: Mapped[int]
    state: Mapped[str] = mapped_column(index=True)
    run_at: Mapped[int] = mapped_column(index=True)
    attempts_max: Mapped[int]
    created_by: Mapped[str]
    created_at: Mapped[int]


class NewJob(BaseModel):
    model_config = {"extra": "forbid"}
    script_path: str = Field(min_length=1, max_length=200)
    args: dict[str, Any] = Field(default_factory=dict)
    tag: str = Field(default="default", pattern="^[a-z0-9][a-z0-9_.-]{0,62}$")
    priority: int = Field(default=0, ge=-100, le=100)
    run_at: datetime | None = None
    attempts_max: int = Field(default=1, ge=1, le=100)


class JobView(BaseModel):
    id: str
    state: str
    script_path: str
    content_hash: str
    args: dict[str, Any]
    tag: str
    priority: int
    run_at: datetime
    attempts: int = 0
    attempts_max: int
    created_by: str
    created_at: datetime


def script() -> Script:
    """Return the script that the client's jobs run."""
    return Script(
        id=str(uuid.uuid4()),
        tenant_id=TENANT,
        path=SCRIPT,
        language="python",
        content_hash="0" * 64,
        json_schema=json.dumps(_SCHEMA),
    )


@lru_cache(maxsize=256)
def validator(schema: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads(schema), validate_formats=True)


@router.post("/api/v1/jobs", status_code=201)
async def create(body: NewJob, request: Request, actor: Actor, session: Database) -> JobView:
    now = int(time.time() * 1_000_000)
    tenant = actor["tenant_id"]
    async with session.begin():
        found = await session.scalar(
            select(Script).where(Script.tenant_id == tenant, Script.path == body.script_path)
        )
        if found is None:
            raise HTTPException(404)
        if not validator(found.json_schema).is_valid(body.args):
            raise HTTPException(422)
        run_at = now if body.run_at is None else int(body.run_at.timestamp() * 1_000_000)
        job = Job(
            id=str(uuid.uuid4()),
            tenant_id=tenant,
            script_id=found.id,
            script_path=found.path,
            content_hash=found.content_hash,
            args=body.args,
            tag=body.tag,
            priority=body.priority,
            state="scheduled" if run_at > now else "queued",
            run_at=run_at,
            attempts_max=body.attempts_max,
            created_by=actor["sub"],
            created_at=now,
        )
        audit = AuditLine(
            id=str(uuid.uuid4()),
            tenant_id=tenant,
            action="jobs.jobs.create",
            actor_id=actor["sub"],
            resource=f"job:{job.id}",
            request_id=request.state.request_id,
            after={"script_path": job.script_path, "tag": job.tag, "run_at": job.run_at},
            at=now,
        )
        session.add_all([job, audit])
    return JobView(
        id=job.id,
        state=job.state,
        script_path=job.script_path,
        content_hash=job.content_hash,
        args=job.args,
        tag=job.tag,
        priority=job.priority,
        run_at=datetime.fromtimestamp(job.run_at / 1e6).astimezone(),
        attempts_max=job.attempts_max,
        created_by=job.created_by,
        created_at=datetime.fromtimestamp(job.created_at / 1e6).astimezone(),
    )
