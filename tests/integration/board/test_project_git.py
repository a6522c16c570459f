"""A project in a repository of git, both ways, over HTTP and against real repositories."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fixtures.app import error
from tests.fixtures.git_repository import API, GIT, Harbour, a_harbour
from tidemill.infrastructure.git.repositories import CommandLineCopy

pytestmark = pytest.mark.anyio


@pytest.fixture
async def harbour(tmp_path: Path) -> AsyncIterator[Harbour]:
    async with a_harbour(tmp_path) as harbour:
        yield harbour


async def test_sync_takes_changes_both_ways(harbour: Harbour) -> None:
    await harbour.an_item("Dredge", description="Before the spring tide.", points=3)
    await harbour.an_item("Paint")

    first = await harbour.sync()

    assert (first["outcome"], first["error"]) == ("done", None)
    assert "items/TM-1.md" in first["pushed"]
    repository = harbour.repository
    assert repository.read("items/TM-1.md") == (
        "---\nkey: TM-1\ntitle: Dredge\ntype: task\nstatus: backlog\npriority: medium\n"
        "points: 3\n---\n\nBefore the spring tide.\n"
    )
    assert repository.log()[0].endswith("<owner@example.org> Update TM-1, TM-2, project.yaml, "
                                        "labels.yaml, sprints.yaml")  # fmt: skip

    repository.pull()
    repository.edit("items/TM-1.md", "priority: medium", "priority: high")
    repository.write("items/buoys.md", "---\ntitle: Buoys\nlabels: [night]\n---\n\nGreen ones.\n")
    repository.push()
    await harbour.change("TM-1", title="Dredge deeper")
    second = await harbour.sync()

    assert second["conflicts"] == second["problems"] == []
    item = await harbour.item("TM-1")
    assert (item["title"], item["priority"]) == ("Dredge deeper", "high")
    new = await harbour.item("TM-3")
    assert (new["title"], new["description"], new["item_type"]) == ("Buoys", "Green ones.", "task")
    assert "title: Dredge deeper\n" in repository.read("items/TM-1.md")
    assert "items/TM-3.md" in repository.files()
    assert "items/buoys.md" not in repository.files()

    third = await harbour.sync()
    assert (third["pulled_count"], third["pushed_count"]) == (0, 0)
    assert third["commit_id"] == second["commit_id"]


async def test_sync_reports_conflicts_and_takes_the_chosen_side(harbour: Harbour) -> None:
    await harbour.an_item("Dredge", description="Early.")
    await harbour.an_item("Paint")
    await harbour.sync()
    repository = harbour.repository
    repository.pull()
    repository.edit("items/TM-1.md", "title: Dredge", "title: Dredge twice")
    repository.edit("items/TM-1.md", "Early.", "Late.")
    repository.edit("items/TM-2.md", "title: Paint", "title: Paint it red")
    repository.push()
    await harbour.change("TM-1", title="Dredge once", description="Never.", priority="low")

    told = await harbour.sync()

    base = {"key": "TM-1", "path": "items/TM-1.md"}
    assert told["conflicts"] == [
        {**base, "field": "description", "base": "Early.", "board": "Never.",
         "repository": "Late."},
        {**base, "field": "title", "base": "Dredge", "board": "Dredge once",
         "repository": "Dredge twice"},
    ]  # fmt: skip
    assert (await harbour.item("TM-2"))["title"] == "Paint it red", "the rest goes on"
    assert (await harbour.item("TM-1"))["title"] == "Dredge once"
    file = repository.read("items/TM-1.md")
    assert "title: Dredge twice\n" in file
    assert "priority: low\n" in file

    choices = [
        {"key": "TM-1", "field": "title", "side": "board"},
        {"key": "TM-1", "field": "description", "side": "repository"},
    ]
    looked = await harbour.sync(choices=choices, dry_run=True)
    assert (looked["outcome"], looked["pulled_count"]) == ("checked", 1)
    assert (await harbour.item("TM-1"))["description"] == "Never."
    chosen = await harbour.sync(choices=choices)

    assert chosen["conflicts"] == []
    item = await harbour.item("TM-1")
    assert (item["title"], item["description"]) == ("Dredge once", "Late.")
    assert "title: Dredge once\n" in repository.read("items/TM-1.md")


async def test_sync_archives_what_was_deleted_and_hears_of_deletions_here(
    harbour: Harbour,
) -> None:
    for title in ("Gone there", "Gone here", "Gone there, changed here", "Moved"):
        await harbour.an_item(title)
    await harbour.sync()
    repository = harbour.repository
    repository.pull()
    repository.git("rm", "--quiet", "items/TM-1.md", "items/TM-3.md")
    repository.git("mv", "items/TM-4.md", "items/quay.md")
    repository.push()
    assert (await harbour.client.delete(f"{API}/work-items/TM-2")).status_code == 204
    await harbour.change("TM-3", priority="high")

    told = await harbour.sync()

    assert (await harbour.item("TM-1"))["archived_at"] is not None
    assert (await harbour.item("TM-3"))["archived_at"] is None
    [conflict] = told["conflicts"]
    assert (conflict["key"], conflict["field"]) == ("TM-3", "file")
    assert (conflict["board"], conflict["repository"]) == ("changed", "deleted")
    items = [path for path in repository.files() if path.startswith("items/")]
    assert items == ["items/quay.md"], "a file may be called otherwise, and is the same item's"

    await harbour.sync(choices=[{"key": "TM-3", "side": "board"}])
    assert "priority: high\n" in repository.read("items/TM-3.md")
    last = await harbour.sync()
    assert (last["pulled_count"], last["pushed_count"], last["conflicts"]) == (0, 0, [])


async def test_sync_writes_deleted_files_anew_where_that_is_set(harbour: Harbour) -> None:
    assert (await harbour.bind(deletions="refuse")).status_code == 200
    await harbour.an_item("Dredge")
    await harbour.sync()
    harbour.repository.pull()
    harbour.repository.git("rm", "--quiet", "items/TM-1.md")
    harbour.repository.push()

    told = await harbour.sync()

    [problem] = told["problems"]
    assert "was deleted, and is written again" in problem["problem"]
    assert "items/TM-1.md" in harbour.repository.files()
    assert (await harbour.item("TM-1"))["archived_at"] is None


async def test_sync_leaves_alone_what_it_cannot_take(harbour: Harbour, tmp_path: Path) -> None:
    await harbour.an_item("Dredge")
    await harbour.an_item("Paint")
    await harbour.sync()
    repository = harbour.repository
    (tmp_path / "secret.md").write_text("---\ntitle: Secret\n---\n")
    repository.pull()
    repository.edit("items/TM-1.md", "status: backlog", "status: sunk")
    repository.edit("items/TM-2.md", "---\nkey", "---\ncolour: red\nkey")
    repository.edit("project.yaml", "name: Tide", "name: Ebb")
    (repository.clone / "items" / "link.md").symlink_to(tmp_path / "secret.md")
    repository.write("items/TM-99.md", "---\nkey: TM-99\ntitle: From nowhere\n---\n")
    repository.write("README.md", "Hands off.\n")
    repository.push()
    await harbour.change("TM-1", title="Dredge deeper")
    await harbour.change("TM-2", title="Paint it red")

    told = await harbour.sync()

    problems = {one["path"]: one["problem"] for one in told["problems"]}
    assert sorted(problems) == [
        "items/TM-1.md", "items/TM-2.md", "items/TM-99.md", "items/link.md", "project.yaml",
    ]  # fmt: skip
    assert "no plain file" in problems["items/link.md"]
    assert "'colour' is no field" in problems["items/TM-2.md"]
    assert (await harbour.item("TM-1"))["status"] == "backlog"
    file = repository.read("items/TM-1.md")
    assert "title: Dredge deeper\n" in file
    assert "status: sunk\n" in file, "what the board cannot take is lost nowhere"
    assert "title: Paint\n" in repository.read("items/TM-2.md")
    assert "name: Ebb" in repository.read("project.yaml")
    assert repository.read("README.md") == "Hands off.\n"
    answer = await harbour.client.get(f"{API}/work-items", params={"project_id": "TM"})
    assert len(answer.json()["items"]) == 2


async def test_sync_runs_no_hook_and_leads_out_of_no_directory(
    harbour: Harbour, tmp_path: Path
) -> None:
    touched = tmp_path / "touched"
    repository = harbour.repository
    for name in ("pre-receive", "post-receive", "update", "post-update"):
        hook = repository.path / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {touched}\n")
        hook.chmod(0o755)
    (tmp_path / "repositories" / "out").symlink_to(tmp_path / "data")
    await harbour.an_item("Dredge")

    report = await harbour.sync()
    refused = [
        error(await harbour.client.put(GIT, json={"url": url}))
        for url in (
            f"file://{tmp_path}/data",
            f"file://{tmp_path}/repositories/../data",
            f"file://{tmp_path}/repositories/out",
            "ssh://git.example.org/a.git",
            "git@git.example.org:a.git",
            "ext::sh -c id",
            "--upload-pack=id",
            "http://git.example.org/a.git",
            "https://127.0.0.1/a.git",
            "https://[::ffff:10.0.0.1]/a.git",
            "https://me:word@git.example.org/a.git",
        )
    ]
    names = [
        error(await harbour.bind(**{field: value}))
        for field, value in (
            ("branch", "--force"),
            ("branch", "a..b"),
            ("directory", "../up"),
            ("directory", ".git"),
            ("directory", "/etc"),
            ("secret", "two\nlines"),
        )
    ]

    assert report["outcome"] == "done"
    assert not touched.exists()
    assert set(refused) == {(400, "INVALID_GIT_BINDING", "url")}
    assert {one[:2] for one in names} == {(400, "INVALID_GIT_BINDING")}


async def test_sync_goes_on_where_a_process_was_killed(
    harbour: Harbour, monkeypatch: pytest.MonkeyPatch
) -> None:
    await harbour.an_item("Dredge")
    await harbour.sync()
    repository = harbour.repository
    repository.pull()
    repository.edit("items/TM-1.md", "title: Dredge", "title: Dredge twice")
    repository.write("items/new.md", "---\ntitle: New\n---\n")
    repository.push()
    await harbour.change("TM-1", priority="high")
    with monkeypatch.context() as broken:

        async def breaks(self: CommandLineCopy, commits: object) -> str:
            raise RuntimeError("killed")

        broken.setattr(CommandLineCopy, "push", breaks)
        failed = await harbour.sync()

    assert (failed["outcome"], failed["error"]) == ("failed", "The sync broke: RuntimeError.")
    assert (await harbour.item("TM-1"))["title"] == "Dredge twice"
    assert "items/new.md" in repository.files()
    done = await harbour.sync()

    assert (done["conflicts"], done["problems"]) == ([], [])
    assert "priority: high\n" in repository.read("items/TM-1.md")
    assert sorted(path for path in repository.files() if path.startswith("items/")) == [
        "items/TM-1.md", "items/TM-2.md",
    ]  # fmt: skip
    listed = await harbour.client.get(f"{API}/work-items", params={"project_id": "TM"})
    assert len(listed.json()["items"]) == 2, "the new item is made once"


async def test_secret_is_told_to_nobody_and_follows_to_no_other_url(harbour: Harbour) -> None:
    put = await harbour.client.put(
        GIT, json={"url": "https://git.invalid/a.git", "username": "bot", "secret": "hush-hush"}
    )
    kept = await harbour.client.put(GIT, json={"url": "https://git.invalid/a.git"})
    moved = await harbour.client.put(GIT, json={"url": "https://other.invalid/a.git"})
    report = await harbour.sync()

    assert (put.json()["has_secret"], kept.json()["has_secret"]) == (True, True)
    assert error(moved) == (400, "INVALID_GIT_BINDING", "secret")
    assert report["outcome"] == "failed"
    async with asyncio.timeout(60):
        # Lines come to the log a moment after what they tell of.
        url = f"{API}/audit-events?limit=200"
        while "project_git.sync" not in (log := await harbour.client.get(url)).text:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    for answer in (put.text, kept.text, str(report), log.text):
        assert "hush" not in answer
