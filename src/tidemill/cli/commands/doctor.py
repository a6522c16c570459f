"""`tidemill doctor`."""

from __future__ import annotations

import msgspec
import typer

from tidemill.cli.commands.config import loaded_config
from tidemill.cli.commands.serve import ConfigFile, DataDir, EnvFile, Set, configuration_words
from tidemill.cli.diagnosis import Finding, Verdict, diagnose
from tidemill.cli.failures import ExitCode
from tidemill.cli.lazy import single
from tidemill.cli.output import emit, line, wants_json

app = single()
_MARKS = {Verdict.WORKS: "✓", Verdict.NOTE: "·", Verdict.FAILS: "✗"}


@app.command(examples=("tidemill doctor", "tidemill doctor --config config/production.toml --json"))
def doctor(
    config: ConfigFile = None,
    env_file: EnvFile = None,
    data_dir: DataDir = None,
    set_: Set = None,
) -> None:
    """Look at each part; name what fails, the setting and its source, and the fix.

    Run it on the server's machine. A server that runs is asked for its settings; one that does not
    is looked at with the options given here, so give those that it is started with.
    """
    loaded = loaded_config(configuration_words(config, env_file, set_, data_dir))
    findings: list[Finding] = []
    for finding in diagnose(loaded):
        findings.append(finding)
        if not wants_json():
            line(_told(finding))
    if wants_json():
        emit(msgspec.to_builtins(findings))
    if any(finding.verdict is Verdict.FAILS for finding in findings):
        raise typer.Exit(ExitCode.FAILED)


def _told(finding: Finding) -> str:
    told = [f"{_MARKS[finding.verdict]} {finding.part}: {finding.detail}"]
    if finding.setting:
        told.append(f"    setting  {finding.setting}")
        told.append(f"    from     {finding.source}")
    if finding.fix:
        told.append(f"    fix      {finding.fix}")
    return "\n".join(told)
