"""What tests stand on keeps its promises: tiers, services, and nothing left behind.

Each case is a small test file that a pytest of its own runs.
"""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Final

import pytest

from tests.fixtures.run import run_directory

ROOT: Final = Path(__file__).resolve().parents[3]
PLUGINS: Final = ("run", "tiers", "services", "leftovers")


def _pytest(tmp_path: Path, content: str, *words: str, **environment: str) -> tuple[int, str]:
    (tmp_path / "test_case.py").write_text(textwrap.dedent(content))
    plugins = [word for name in PLUGINS for word in ("-p", f"tests.fixtures.{name}")]
    plugins += ["-p", "pytest_timeout"]
    options = ["-c", str(ROOT / "pyproject.toml"), "--rootdir", str(tmp_path)]
    kept = {name: value for name, value in os.environ.items() if "TIDEMILL" not in name}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *plugins, *options, *words, str(tmp_path)],
        cwd=ROOT,
        env={
            **kept,
            # Short, and open to other users: PostgreSQL does not run as root.
            "TMPDIR": str(run_directory()),
            # To import all plugins that are installed takes longer than the cases.
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            **environment,
        },
        check=False,
        capture_output=True,
        text=True,
        timeout=100,
    )
    return done.returncode, done.stdout + done.stderr


TIERS: Final = """
    import pytest

    def test_normal(): pass

    @pytest.mark.full(reason="it is slow")
    def test_full(): pass

    @pytest.mark.chaos(reason="it kills")
    def test_chaos(): pass
"""


@pytest.mark.parametrize(
    ("tier", "outcome"),
    [
        ("full", "2 passed, 1 deselected"),
        ("chaos", "1 passed, 2 deselected"),
    ],
)
def test_tier_runs_what_belongs_to_it(tmp_path: Path, tier: str, outcome: str) -> None:
    code, said = _pytest(tmp_path, TIERS, "--tier", tier)

    assert code == 0, said
    assert outcome in said


def test_tier_is_not_left_without_a_reason(tmp_path: Path) -> None:
    code, said = _pytest(tmp_path, "import pytest\n@pytest.mark.full()\ndef test_a(): pass")

    assert code != 0
    assert "say why" in said


NEEDS: Final = """
    import pytest

    @pytest.mark.needs("redis")
    def test_needs(redis_url): pass
"""


def test_missing_service_is_skipped_by_name(tmp_path: Path) -> None:
    code, said = _pytest(tmp_path, NEEDS, TIDEMILL_TEST_REDIS_URL="none")

    assert code == 0, said
    assert "SKIPPED SERVICE redis" in said


def test_missing_service_fails_where_it_is_required(tmp_path: Path) -> None:
    code, said = _pytest(
        tmp_path, NEEDS, TIDEMILL_TEST_REDIS_URL="none", TIDEMILL_TEST_REQUIRE="redis"
    )

    assert code == 1
    assert "redis is required by TIDEMILL_TEST_REQUIRE" in said


def test_services_are_started_from_wheels_and_end_with_the_run(tmp_path: Path) -> None:
    content = """
        import asyncio, os
        import asyncpg, nats, pytest

        @pytest.mark.needs("postgres", "nats")
        def test_talks_to_both(postgres_url, nats_url):
            async def talk():
                connection = await asyncpg.connect(postgres_url)
                assert await connection.fetchval("SELECT 1") == 1
                await connection.close()
                client = await nats.connect(nats_url)
                await client.jetstream().account_info()
                await client.close()
            asyncio.run(talk())
            print("RUN", os.environ["TIDEMILL_TEST_RUN_DIR"])
    """
    code, said = _pytest(
        tmp_path,
        content,
        "-s",
        TIDEMILL_TEST_POSTGRES_URL="start",
        TIDEMILL_TEST_NATS_URL="start",
    )

    assert code == 0, said
    directory = next(line.split()[1] for line in said.splitlines() if "RUN " in line)
    assert not Path(directory).exists()
    assert not [line for line in _command_lines() if directory in line]


def test_leftover_file_and_process_fail_the_run(tmp_path: Path) -> None:
    content = """
        import subprocess, tempfile

        def test_leaves():
            tempfile.mkdtemp()
            subprocess.Popen(["sleep", "60"])
    """
    code, said = _pytest(tmp_path, content, "-W", "ignore")

    assert code == 1, said
    assert "LEFTOVER file" in said
    assert "LEFTOVER process" in said


def test_leftover_schema_fails_the_run(tmp_path: Path, postgres_url: str) -> None:
    content = f"""
        import asyncio, asyncpg
        from tests.fixtures.run import unique_name

        def test_leaves(postgres_url):
            async def leave():
                connection = await asyncpg.connect({postgres_url!r})
                name = unique_name()
                await connection.execute(f"CREATE SCHEMA {{name}}")
                print("NAME", name)
                await connection.close()
            asyncio.run(leave())
    """
    code, said = _pytest(tmp_path, content, "-s", TIDEMILL_TEST_POSTGRES_URL=postgres_url)
    name = next(line.split()[-1] for line in said.splitlines() if "NAME " in line)
    _drop(postgres_url, name)

    assert code == 1, said
    assert f"LEFTOVER schema postgres.{name}" in said


def _drop(url: str, schema: str) -> None:
    program = (
        "import asyncio, asyncpg\n"
        "async def drop():\n"
        f"    connection = await asyncpg.connect({url!r})\n"
        f"    await connection.execute('DROP SCHEMA {schema}')\n"
        "    await connection.close()\n"
        "asyncio.run(drop())\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def _command_lines() -> list[str]:
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(file.read_text(errors="replace"))
        except OSError:
            continue
    return found
