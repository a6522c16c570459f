from __future__ import annotations

from pathlib import Path

import pytest

from tidemill.cli.main import run


@pytest.mark.parametrize("words", [["list"], ["set", "log.level", "debug"]])
def test_settings_of_an_installation_are_not_looked_for_where_there_is_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    directory = tmp_path / "elsewhere"

    code = run(["settings", *words, "--installation", "--data-dir", str(directory)])

    assert code == 4
    assert f"There is no installation in {directory}." in capsys.readouterr().err
    assert not directory.exists(), "nothing was made there"
