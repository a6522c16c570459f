from __future__ import annotations

import subprocess
import sys

import pytest


def test_roles_leave_out_what_they_do_not_need_without_keeping_it_from_others() -> None:
    script = (
        "import sys, tidemill.runtime.roles\n"
        "assert 'structlog' in sys.modules and 'rich' not in sys.modules\n"
        "import rich.console, pydantic"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], check=False, capture_output=True, text=True
    )

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(("role", "lines"), [("api", 2), ("worker", 1)])
def test_roles_lead_who_starts_them_without_a_database_to_the_doctor(role: str, lines: int) -> None:
    script = (
        "import sys\n"
        "from tidemill.core.store_errors import StoreUnavailable\n"
        "from tidemill.runtime.roles import run_role\n"
        "def away(config): raise StoreUnavailable('PostgreSQL', 'it does not answer in time')\n"
        f"sys.exit(run_role({role!r}, [], away))"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], check=False, capture_output=True, text=True
    )

    said = done.stderr.splitlines()
    assert (done.returncode, len(said)) == (1, lines)
    assert "tidemill: The PostgreSQL store is not available" in said[0]
    assert ("tidemill doctor" in said[-1]) == (role == "api")


def test_a_damaged_store_ends_the_process_for_good() -> None:
    script = (
        "import sys\n"
        "from tidemill.core.store_errors import StoreUnavailable\n"
        "from tidemill.runtime.roles import run_role\n"
        "def damaged(config): raise StoreUnavailable('control', 'it is noise', damaged=True)\n"
        "sys.exit(run_role('api', [], damaged))"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], check=False, capture_output=True, text=True
    )

    told = "The control store is not available: it is noise. Restore it from a backup."
    assert done.stderr == f"tidemill: {told}\n"
    assert done.returncode == 78, "another start would end the same way"


def test_a_store_that_cannot_be_migrated_is_told_in_one_line() -> None:
    script = (
        "import sys\n"
        "from tidemill.infrastructure.database.migrations import MigrationFailed\n"
        "from tidemill.runtime.roles import run_role\n"
        "def newer(config): raise MigrationFailed('The control store is newer than we are.')\n"
        "sys.exit(run_role('api', [], newer))"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], check=False, capture_output=True, text=True
    )

    assert done.stderr == "tidemill: The control store is newer than we are.\n"
    assert done.returncode == 78, "another start would end the same way"
