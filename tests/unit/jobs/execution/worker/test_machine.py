from __future__ import annotations

from pathlib import Path

from tidemill.jobs.execution.worker.machine import machine_cpu, machine_memory_mib


def test_machine_is_no_larger_than_its_control_group(tmp_path: Path) -> None:
    (tmp_path / "cpu.max").write_text("50000 100000\n")
    (tmp_path / "memory.max").write_text(f"{64 * 1024 * 1024}\n")

    assert (machine_cpu(tmp_path), machine_memory_mib(tmp_path)) == (0.5, 64)


def test_machine_is_whole_where_nothing_limits_it(tmp_path: Path) -> None:
    (tmp_path / "cpu.max").write_text("max 100000\n")
    (tmp_path / "memory.max").write_text("max\n")

    assert machine_cpu(tmp_path) >= 1
    assert machine_memory_mib(tmp_path) >= 64
