"""Files on items over HTTP: the whole application, with people of each role."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from msgspec import Struct

from tests.fixtures.app import App, make_app
from tidemill.core.config.sections.serving import Limits

pytestmark = pytest.mark.anyio

API: Final = "/api/v1"
PNG: Final = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8
bytes_max: Final = 300_000


class Place(Struct, frozen=True):
    """An application with one item, and where its files lie."""

    app: App
    owner: httpx.AsyncClient
    tenants: Path

    def blobs(self) -> list[Path]:
        """Return every file that is kept, or on its way in."""
        return [path for path in self.tenants.glob("*/blobs/*/*") if path.is_file()]


@pytest.fixture(scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    limits = Limits(
        requests_per_minute=0,
        logins_per_minute=0,
        body_bytes_max=100_000,
        attachment_bytes_max=bytes_max,
    )
    directory = tmp_path_factory.mktemp("attachments")
    async with make_app(directory, limits=limits) as app:
        made = await app.owner.post(f"{API}/projects", json={"key": "TM", "name": "Tide"})
        assert made.status_code == 201, made.text
        item = {"project_id": "TM", "item_type": "task", "title": "Sail"}
        assert (await app.owner.post(f"{API}/work-items", json=item)).status_code == 201
        data_dir = Path(app.application.process.config.server.data_dir)
        yield Place(app, app.owner, data_dir / "tenants")


async def attach(place: Place, name: str, content: bytes, **options: Any) -> httpx.Response:
    """Attach a file as the body itself."""
    return await place.owner.post(
        f"{API}/work-items/TM-1/attachments",
        params={"name": name},
        content=content,
        **options,
    )


async def in_form(place: Place, *files: tuple[str, tuple[str, bytes, str]]) -> httpx.Response:
    """Attach what a form holds."""
    return await place.owner.post(f"{API}/work-items/TM-1/attachments", files=list(files))


async def test_attachments_integration_come_back_as_they_were_sent(place: Place) -> None:
    sent = await in_form(place, ("file", ("Löwe am Meer.png", PNG, "image/png")))
    assert sent.status_code == 201, sent.text
    made = sent.json()
    read = await place.owner.get(f"{API}/attachments/{made['id']}")
    content = await place.owner.get(made["content_url"])

    assert read.json() == made
    assert (made["name"], made["media_type"], made["size"]) == (
        "Löwe am Meer.png",
        "image/png",
        len(PNG),
    )
    assert made["sha256"] == hashlib.sha256(PNG).hexdigest()
    assert content.content == PNG
    assert content.headers["content-type"] == "image/png"
    assert content.headers["content-disposition"] == (
        "inline; filename=\"L_we am Meer.png\"; filename*=UTF-8''L%C3%B6we%20am%20Meer.png"
    )
