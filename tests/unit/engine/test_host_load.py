"""Watching this process and the others for a moment."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import psutil
import pytest

from app.engine import host_load
from app.engine.host_load import Watch


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> dict[int, host_load._Program]:
    """A machine on which nothing runs but what the test puts there."""
    programs: dict[int, host_load._Program] = {}
    monkeypatch.setattr(host_load, "_programs", lambda: dict(programs))
    busy = lambda: sum(program.seconds for program in programs.values())  # noqa: E731
    monkeypatch.setattr(host_load, "_busy_seconds", busy)
    return programs


def program(name: str, seconds: float, *, is_kernel: bool = False) -> host_load._Program:
    return host_load._Program(name, seconds, is_kernel)


def test_our_own_work_is_no_one_elses(quiet: dict[int, host_load._Program]) -> None:
    me = psutil.Process()
    quiet.update({me.pid: program("python", 1.0), me.ppid(): program("window", 1.0)})
    watch = Watch()
    quiet.update({me.pid: program("python", 9.0), me.ppid(): program("window", 3.0)})
    load = watch.read()
    assert (load.others_cores, load.busiest) == (0.0, "")
    assert load.resident_bytes > 1_000_000


def test_the_busiest_of_the_others_is_named(quiet: dict[int, host_load._Program]) -> None:
    quiet.update({-2: program("build", 5.0), -3: program("build", 0.0), -4: program("music", 90.0)})
    watch = Watch()
    quiet.update(
        {
            -2: program("build", 7.0),
            -3: program("build", 2.0),
            -4: program("music", 93.0),
            -5: program("kworker", 50.0, is_kernel=True),
        }
    )
    load = watch.read()
    assert load.busiest == "build"
    assert load.others_cores > 0


def test_the_real_machine_can_be_watched() -> None:
    watch = Watch()
    deadline = time.perf_counter() + 0.05
    while time.perf_counter() < deadline:
        pass
    load = watch.read()
    assert load.resident_bytes == pytest.approx(psutil.Process().memory_info().rss, rel=0.2)
    assert load.disk_reads >= 0
    assert load.throttled == 0 or sys.platform.startswith("linux")


def test_throttling_is_counted_over_all_cores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host_load, "_CPU_FOLDER", tmp_path)
    for core, count in ((0, "3"), (1, "4"), (2, "nonsense")):
        folder = tmp_path / f"cpu{core}" / "thermal_throttle"
        folder.mkdir(parents=True)
        (folder / "core_throttle_count").write_text(count)
    watch = Watch()
    (tmp_path / "cpu0" / "thermal_throttle" / "core_throttle_count").write_text("10")
    assert watch.read().throttled == 7
