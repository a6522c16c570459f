"""What a worker's process makes of its configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from tidemill.core.config import Config, ConfigRefused
from tidemill.core.config.sections.serving import Server
from tidemill.core.config.sections.working import Worker
from tidemill.runtime.worker_options import worker_options


def _config(tmp_path: Path, **worker: str) -> Config:
    token = tmp_path / "worker.token"
    token.write_text("tmw_x")
    wanted = {"connect": "tls://jobs.example.org:7443", "token_file": str(token), **worker}
    return Config(
        server=Server(data_dir=str(tmp_path)),
        worker=Worker(worker_id="w", **wanted),  # type: ignore[arg-type] # all of them are texts
    )


def test_worker_options_name_the_dispatcher_far_away(tmp_path: Path) -> None:
    options = worker_options(_config(tmp_path, api_url="https://tidemill.example.org"))

    assert options.remote is not None
    assert (options.remote.target.host, options.remote.target.port) == ("jobs.example.org", 7443)
    assert options.api_url == "https://tidemill.example.org"
    assert options.run_directory == tmp_path / "run" / "workers" / "w"
    assert not options.machine_or_own.rows_shared


def test_worker_options_stay_on_the_machine_unless_told(tmp_path: Path) -> None:
    options = worker_options(Config(server=Server(data_dir=str(tmp_path))))

    assert options.remote is None
    assert options.machine_or_own.rows_shared


@pytest.mark.parametrize("field", ["token_file", "tls_ca_file"])
def test_worker_options_name_the_file_that_cannot_be_read(tmp_path: Path, field: str) -> None:
    missing = str(tmp_path / "missing")

    with pytest.raises(ConfigRefused, match=f"worker.{field} {missing} cannot be read"):
        worker_options(_config(tmp_path, **{field: missing}))
