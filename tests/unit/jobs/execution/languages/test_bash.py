from __future__ import annotations

import asyncio
import errno
import tempfile
from pathlib import Path

import pytest

from tidemill.jobs.errors import ScriptInvalid
from tidemill.jobs.execution.languages import bash
from tidemill.jobs.execution.languages.bash import check_bash

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        ("echo a\nfor i in 1 2; do\n  echo $i\nfi\n", 4, "near unexpected token `fi'"),
        ("echo a\nif true; then\n  echo b\n", 4, "unexpected end of file"),
        ("echo 'low tide\n", 1, "looking for matching `''"),
        ("if true; then\n  exit 1\nfi\ndone\n", 4, "near unexpected token `done'"),
        ('[ "$1" ] || { echo usage; exit 1; }\nexec 2>&1\ndone\n', 3, "token `done'"),
        ("# Ebb; exit 0\ndone\n", 2, "near unexpected token `done'"),
        ("x=$(cat <<EOF\nfoo\n)\nfi\n", 5, "looking for matching `)'"),
    ],
)
async def test_check_bash_tells_line_and_reason(content: str, line: int, reason: str) -> None:
    with pytest.raises(ScriptInvalid, match=f"^Line {line}, ") as refused:
        await check_bash(content)

    assert refused.value.line == line
    assert reason in refused.value.message


@pytest.mark.parametrize(
    "content",
    [
        'name="$1"\necho "hello $name"\n',
        "shopt -s extglob\nls !(ebb|flood)\n",
        "if !(false); then echo slack; fi\n",
        "echo done\nexit 0\n(((( what follows is data <<",
        "echo done; exit 0\n(((( what follows is data <<",
        'exec tail -n +3 "$0"\n(((( what follows is data <<',
        "",
    ],
)
async def test_check_bash_takes_what_bash_can_run(content: str) -> None:
    await check_bash(content)


async def test_check_bash_runs_nothing(tmp_path: Path) -> None:
    marks = [f"touch {tmp_path}/{number}" for number in range(9)]
    content = f"""
{marks[0]}
a[$({marks[1]})]=1
echo $({marks[2]}) `{marks[3]}` <({marks[4]})
set +n; set +o noexec; {marks[5]}
((a[$({marks[6]})]))
cat <<END
$({marks[7]})
END
trap '{marks[8]}' EXIT
echo > {tmp_path}/written
"""
    await check_bash(content)

    with pytest.raises(ScriptInvalid):
        await check_bash(f"{content}done\n")
    assert [*tmp_path.iterdir()] == []  # noqa: ASYNC240 - an empty folder


@pytest.mark.parametrize("content", ["$(" * 50_000, "x" * 1_000_000, "done # high tide\n"])
async def test_check_bash_lets_pass_what_it_cannot_tell(
    content: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if content.startswith("done"):
        monkeypatch.setattr(bash, "_bash", lambda: None)

    await check_bash(content)


async def test_check_bash_waits_for_no_reader_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bash, "_BOUNDED", "sleep 3600")
    monkeypatch.setattr(bash, "seconds_max", 0.05)

    await check_bash("done # low tide\n")


async def test_check_bash_lets_pass_what_it_has_no_room_to_write(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)

    await check_bash("done # ebb tide\n")


async def test_check_bash_reads_a_text_once_that_many_ask_about(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    texts: list[str] = []
    read = bash._complaint

    def counted(program: str, content: str, *options: str) -> tuple[int, str] | None:
        texts.append(content)
        return read(program, content, *options)

    monkeypatch.setattr(bash, "_complaint", counted)
    good = [asyncio.ensure_future(check_bash("echo spring tide\n")) for _ in range(100)]
    wrong = [asyncio.ensure_future(check_bash("echo neap tide\ndone\n")) for _ in range(100)]
    await asyncio.sleep(0)
    # Somebody who goes away takes nothing from the others.
    good.pop(0).cancel()
    wrong.pop(0).cancel()

    await asyncio.gather(*good)
    refused = await asyncio.gather(*wrong, return_exceptions=True)

    assert all(isinstance(each, ScriptInvalid) for each in refused)
    assert sorted(texts) == ["echo neap tide\ndone\n"] * 2 + ["echo spring tide\n"]
