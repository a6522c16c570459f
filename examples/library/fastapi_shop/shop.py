"""An order and the job that confirms it commit together; FastAPI answers before the job runs."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

import tidemill

SHOP = "shop.db"
queue = tidemill.Tidemill("sqlite:///jobs.db", outboxes=[SHOP])


class NewOrder(BaseModel):
    item: str


@tidemill.job(attempts=5)
def confirm(number: int) -> str:
    with sqlite3.connect(SHOP) as shop:
        shop.execute("UPDATE orders SET confirmed = 1 WHERE number = ?", (number,))
    return f"order {number} is confirmed"


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    with sqlite3.connect(SHOP) as shop:
        shop.execute("PRAGMA journal_mode=WAL")
        shop.execute(
            "CREATE TABLE IF NOT EXISTS orders (number INTEGER PRIMARY KEY, item, confirmed)"
        )
        tidemill.create_outbox(shop)
    yield
    await queue.close()


api = FastAPI(lifespan=lifespan)


@api.post("/orders", status_code=201)
async def order(body: NewOrder) -> dict[str, object]:
    with sqlite3.connect(SHOP) as shop:
        row = shop.execute("INSERT INTO orders (item) VALUES (?)", (body.item,))
        number = row.lastrowid or 0
        job = await confirm.enqueue_in(shop, number)
    return {"number": number, "job": job.id}


@api.get("/jobs/{job_id}")
async def result(job_id: str) -> dict[str, object]:
    try:
        return {"result": await confirm.handle(job_id).result(timeout=30)}
    except TimeoutError as waiting:
        raise HTTPException(202, str(waiting)) from waiting
