"""The peer: FastAPI with SQLAlchemy's ORM, as such services are usually written.

It does the same work as ours for the routes measured: bearer JWT, tenant check, request id,
metrics, access log; the POST of an item writes item, activity, outbox and audit line in one durable
transaction, that of a job (`peer_jobs`) the job and its audit line.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response
from prometheus_client import Counter, Histogram
from pydantic import BaseModel, Field
from sqlalchemy import JSON, ForeignKey, String, update
from sqlalchemy.orm import Mapped, mapped_column, relationship

from benchmarks.http import peer_jobs
from benchmarks.http.peer_base import Actor, AuditLine, Base, Database, engine, session_factory
from benchmarks.http.peer_names import PROJECT, TENANT, USER

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
log = logging.getLogger("access")


class User(Base):
    __tablename__ = "users"
    id: Mapped[str] = mapped_column(String, primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String, index=True)
    name: Mapped[str]


class Project(Base):
    __tablename__ = "projects"
    id: Mapped[str] = mapped_column(String, primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String, index=True)
    key: Mapped[str]
    next_number: Mapped[int] = mapped_column(default=1)


class WorkItem(Base):
    __tablename__ = "work_items"
    id: Mapped[str] = mapped_column(String, primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String, index=True)
    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id"), index=True)
    number: Mapped[int]
    item_type: Mapped[str]
    title: Mapped[str]
    description: Mapped[str | None]
    status: Mapped[str] = mapped_column(default="backlog")
    assignee_id: Mapped[str | None] = mapped_column(ForeignKey("users.id"))
    parent_id: Mapped[str | None]
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[int]
    updated_at: Mapped[int]
    assignee: Mapped[User | None] = relationship(lazy="joined")
    project: Mapped[Project] = relationship(lazy="joined")


class Activity(Base):
    __tablename__ = "activities"
    id: Mapped[str] = mapped_column(String, primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String, index=True)
    work_item_id: Mapped[str] = mapped_column(ForeignKey("work_items.id"), index=True)
    action: Mapped[str]
    actor_id: Mapped[str]
    at: Mapped[int]


class Outbox(Base):
    __tablename__ = "outbox"
    id: Mapped[str] = mapped_column(String, primary_key=True)
    tenant_id: Mapped[str] = mapped_column(String, index=True)
    type: Mapped[str]
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
    at: Mapped[int]


class NewItem(BaseModel):
    model_config = {"extra": "forbid"}
    project_id: str
    item_type: str = Field(pattern="^(epic|story|task|bug)$")
    title: str = Field(min_length=1, max_length=200)
    description: str | None = Field(default=None, max_length=10_000)
    parent_id: str | None = None
    assignee_id: str | None = None


class UserView(BaseModel):
    id: str
    name: str


class ItemView(BaseModel):
    id: str
    key: str
    number: int
    project_id: str
    parent_id: str | None
    item_type: str
    title: str
    description: str | None
    status: str
    assignee: UserView | None
    sprint: None = None
    version: int
    created_at: int
    updated_at: int


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    async with session_factory() as session, session.begin():
        session.add(User(id=USER, tenant_id=TENANT, name="Ada"))
        session.add(Project(id=PROJECT, tenant_id=TENANT, key="TM"))
        session.add(peer_jobs.script())
    yield


app = FastAPI(lifespan=lifespan)
app.include_router(peer_jobs.router)
REQUESTS = Counter("requests", "Requests", ["method", "route", "status"])
SECONDS = Histogram("request_seconds", "Seconds", ["method", "route"])


@app.middleware("http")
async def observe(request: Request, call_next: Any) -> Response:
    request.state.request_id = request.headers.get("x-request-id") or str(uuid.uuid4())
    started = time.perf_counter()
    response: Response = await call_next(request)
    route = getattr(request.scope.get("route"), "path", "unmatched")
    seconds = time.perf_counter() - started
    REQUESTS.labels(request.method, route, response.status_code).inc()
    SECONDS.labels(request.method, route).observe(seconds)
    log.info("%s %s %s %.2f", request.method, route, response.status_code, seconds * 1000)
    response.headers["x-request-id"] = request.state.request_id
    return response


def view(item: WorkItem) -> ItemView:
    assignee = UserView(id=item.assignee.id, name=item.assignee.name) if item.assignee else None
    return ItemView(
        id=item.id,
        key=f"{item.project.key}-{item.number}",
        number=item.number,
        project_id=item.project_id,
        parent_id=item.parent_id,
        item_type=item.item_type,
        title=item.title,
        description=item.description,
        status=item.status,
        assignee=assignee,
        version=item.version,
        created_at=item.created_at // 1_000_000,
        updated_at=item.updated_at // 1_000_000,
    )


@app.get("/health")
async def health() -> str:
    return "OK"


@app.get("/api/v1/work-items/{item_id}")
async def read(item_id: str, actor: Actor, session: Database) -> ItemView:
    item = await session.get(WorkItem, item_id)
    if item is None or item.tenant_id != actor["tenant_id"]:
        raise HTTPException(404)
    return view(item)


@app.post("/api/v1/work-items", status_code=201)
async def create(body: NewItem, request: Request, actor: Actor, session: Database) -> ItemView:
    now = int(time.time() * 1_000_000)
    tenant = actor["tenant_id"]
    async with session.begin():
        number = await session.scalar(
            update(Project)
            .where(Project.id == body.project_id, Project.tenant_id == tenant)
            .values(next_number=Project.next_number + 1)
            .returning(Project.next_number)
        )
        if number is None:
            raise HTTPException(404)
        project = await session.get_one(Project, body.project_id)
        item = WorkItem(
            id=str(uuid.uuid4()),
            tenant_id=tenant,
            number=number - 1,
            version=1,
            status="backlog",
            created_at=now,
            updated_at=now,
            **body.model_dump(),
        )
        item.project, item.assignee = project, None
        session.add(item)
        await session.flush()
        data = view(item).model_dump()
        session.add_all(
            [
                Activity(
                    id=str(uuid.uuid4()),
                    tenant_id=tenant,
                    work_item_id=item.id,
                    action="created",
                    actor_id=actor["sub"],
                    at=now,
                ),
                Outbox(
                    id=str(uuid.uuid4()),
                    tenant_id=tenant,
                    type="WorkItemCreated",
                    data=data,
                    at=now,
                ),
                AuditLine(
                    id=str(uuid.uuid4()),
                    tenant_id=tenant,
                    action="board.work_items.create",
                    actor_id=actor["sub"],
                    resource=f"work-item:{item.id}",
                    request_id=request.state.request_id,
                    after=data,
                    at=now,
                ),
            ]
        )
    return view(item)
