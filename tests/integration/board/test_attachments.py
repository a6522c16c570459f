"""Files on items over HTTP: the whole application, with people of each role."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from msgspec import Struct

from tests.fixtures.app import App, error, make_app
from tidemill.core.config.sections.people import Board
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
    board = Board(attachment_types=("image/*", "text/*", "application/pdf"))
    async with make_app(directory, limits=limits, board=board) as app:
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


async def test_attachments_integration_are_given_so_that_nothing_runs(place: Place) -> None:
    given = {}
    for name, content in (
        ("page.html", b"<script>alert(1)</script>"),
        ("gauge.svg", b"<svg onload='alert(1)'/>"),
        ("notes.txt", b"low tide"),
    ):
        made = (await attach(place, name, content)).json()
        answer = await place.owner.get(made["content_url"])
        given[name] = answer.headers["content-disposition"].partition(";")[0]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"

    assert given == dict.fromkeys(given, "attachment")


async def test_attachments_integration_are_given_in_parts(place: Place) -> None:
    made = (await attach(place, "long.png", PNG)).json()
    url, tag = made["content_url"], f'"{made["sha256"]}"'

    async def ask(**headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await place.owner.get(url, headers=named)

    part = await ask(range="bytes=8-11")
    behind = await ask(range=f"bytes={len(PNG)}-")
    changed = await ask(range="bytes=8-11", if_range='"another"')
    same = await ask(range="bytes=8-11", if_range=tag)
    known = await ask(if_none_match=tag)
    head = await place.owner.head(url)

    assert (part.status_code, part.content) == (206, PNG[8:12])
    assert part.headers["content-range"] == f"bytes 8-11/{len(PNG)}"
    assert error(behind) == (416, "RANGE_NOT_SATISFIABLE", "Range")
    assert behind.headers["content-range"] == f"bytes */{len(PNG)}"
    assert (changed.status_code, changed.content) == (200, PNG)
    assert same.status_code == 206
    assert (known.status_code, known.content) == (304, b"")
    assert head.headers["content-length"] == str(len(PNG))
    assert head.headers["etag"] == tag


async def test_attachments_integration_are_deleted_at_the_version_that_was_read(
    place: Place,
) -> None:
    made = (await attach(place, "late.png", PNG)).json()
    url = f"{API}/attachments/{made['id']}"
    read = (await place.owner.get(url)).headers["etag"]

    other = await place.owner.delete(url, headers={"If-Match": '"v2"'})
    same = await place.owner.delete(url, headers={"If-Match": read})

    assert error(other) == (412, "VERSION_CHANGED", None)
    assert same.status_code == 204


async def test_attachments_integration_may_be_larger_than_other_bodies(place: Place) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(50):
            yield b"tide" * 2_500

    large = await attach(place, "large.txt", b"tide " * 50_000)
    over = await attach(place, "over.txt", b"x" * (bytes_max + 1))
    endless = await place.owner.post(
        f"{API}/work-items/TM-1/attachments", params={"name": "e.txt"}, content=parts()
    )
    elsewhere = await place.owner.post(f"{API}/work-items", content=b"x" * 100_001)
    absurd = await attach(place, "a.txt", b"", headers={"content-length": str(1 << 40)})

    assert large.status_code == 201, large.text
    assert error(over) == (413, "FILE_TOO_LARGE", "file")
    assert error(endless) == (413, "FILE_TOO_LARGE", "file")
    assert error(elsewhere) == (413, "BODY_TOO_LARGE", None)
    assert error(absurd) == (413, "FILE_TOO_LARGE", "file")


async def test_attachments_integration_refuse_forms_that_are_none(place: Place) -> None:
    png = ("a.png", PNG, "image/png")
    before = place.blobs()
    cut = await place.owner.post(
        f"{API}/work-items/TM-1/attachments",
        content=b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nlow',
        headers={"content-type": "multipart/form-data; boundary=x"},
    )
    unbounded = await place.owner.post(
        f"{API}/work-items/TM-1/attachments",
        content=b"low",
        headers={"content-type": "multipart/form-data"},
    )
    refusals = [
        await in_form(place, ("one", png), ("two", png)),
        cut,
        unbounded,
        await place.owner.post(
            f"{API}/work-items/TM-1/attachments", data={"note": "x"}, files={"a": (None, b"b")}
        ),
        await attach(place, "", PNG),
        await attach(place, "photo.png", PNG, headers={"content-type": "text/html"}),
        await in_form(place, ("file", ("photo.png", b"<script>", "image/png"))),
    ]

    assert [error(each) for each in refusals] == [
        (400, "FORM_MALFORMED", "file"),
        (400, "FORM_MALFORMED", "file"),
        (400, "FORM_MALFORMED", "file"),
        (400, "FILE_MISSING", "file"),
        (400, "FILE_MISSING", "name"),
        (422, "FILE_TYPE_MISMATCH", "Content-Type"),
        (422, "FILE_TYPE_MISMATCH", "file"),
    ]
    assert place.blobs() == before


async def test_attachments_integration_with_a_key_are_made_once(place: Place) -> None:
    key = {"idempotency-key": "photo-1"}
    first = await attach(place, "once.txt", b"once", headers=key)
    again = await attach(place, "once.txt", b"once", headers=key)
    other = await attach(place, "once.txt", b"twice", headers=key)

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert error(other)[:2] == (422, "IDEMPOTENCY_KEY_REUSED")


async def test_attachments_integration_are_of_types_that_the_settings_name(place: Place) -> None:
    refused = await attach(place, "a.zip", b"PK\x03\x04")
    other = await attach(place, "a.pdf", b"%PDF-1.7")

    assert error(refused) == (422, "FILE_TYPE_REFUSED", "file")
    assert "application/zip" in refused.json()["error"]["message"]
    assert other.status_code == 201
