"""What this process and the machine did in a stretch of time; for telling why a model is slow."""

from __future__ import annotations

import os
import sys
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import psutil

from app.domain.benchmark import HostLoad

_CPU_FOLDER = Path("/sys/devices/system/cpu")
"""Linux, Documentation/ABI/testing/sysfs-devices-system-cpu."""

_KERNEL_THREADS = 2
"""Linux: the process that all threads of the kernel descend from."""


class Watch:
    """Looks at the machine when it is made and again when it is read. The two looks take some
    milliseconds for each hundred programs."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        # The window is busy showing what comes: that is Lamplight too.
        self._ours = {self._process.pid, self._process.ppid()}
        self._began = time.perf_counter()
        self._programs = _programs()
        self._busy = _busy_seconds()
        self._faults = _major_faults()
        self._throttled = _throttle_count()

    def read(self) -> HostLoad:
        """What has happened since."""
        seconds = max(1e-6, time.perf_counter() - self._began)
        busy = _busy_seconds() - self._busy
        by_name: defaultdict[str, float] = defaultdict(float)
        for pid, program in _programs().items():
            before = self._programs.get(pid)
            used = program.seconds - (before.seconds if before else 0.0)
            if pid in self._ours:
                busy -= used
            elif not program.is_kernel:
                by_name[program.name] += used
        most, busiest = max(((used, name) for name, used in by_name.items()), default=(0.0, ""))
        return HostLoad(
            resident_bytes=int(self._process.memory_info().rss),
            swapped_bytes=_swapped_bytes(),
            disk_reads=_major_faults() - self._faults,
            others_cores=round(max(0.0, busy) / seconds, 2),
            busiest=busiest if most > 0 else "",
            throttled=_throttle_count() - self._throttled,
        )


@dataclass(frozen=True, slots=True)
class _Program:
    name: str
    seconds: float
    """Of a processor, since its start."""
    is_kernel: bool


def _busy_seconds() -> float:
    """Of all processors together, since the start of the machine."""
    times = psutil.cpu_times()
    idle = times.idle + getattr(times, "iowait", 0.0)
    # Linux counts guests in `user` already.
    counted = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
    return counted - idle


def _programs() -> dict[int, _Program]:
    """Each program that this one may look at, by its process id."""
    found: dict[int, _Program] = {}
    for process in psutil.process_iter(["name", "ppid", "cpu_times"]):
        times, parent = process.info["cpu_times"], process.info["ppid"]
        # The idle process of Windows is none.
        if times is not None and process.pid != 0:
            is_kernel = sys.platform.startswith("linux") and parent == _KERNEL_THREADS
            seconds = float(times.user + times.system)
            found[process.pid] = _Program(process.info["name"] or "", seconds, is_kernel)
    return found


def _major_faults() -> int:
    """Pages that this process had to read from the disk; 0 where that is not told."""
    if sys.platform == "win32":
        return 0
    import resource

    return int(resource.getrusage(resource.RUSAGE_SELF).ru_majflt)


def _swapped_bytes() -> int:
    """Linux: proc(5), `VmSwap` of the status file, in kB."""
    try:
        lines = Path(f"/proc/{os.getpid()}/status").read_text("utf-8").splitlines()
    except OSError:
        return 0
    for line in lines:
        if line.startswith("VmSwap:"):
            return int(line.split()[1]) * 1024
    return 0


def _throttle_count() -> int:
    """Of all cores, since the start of the machine; 0 where that is not told."""
    total = 0
    for path in _CPU_FOLDER.glob("cpu[0-9]*/thermal_throttle/core_throttle_count"):
        try:
            total += int(path.read_text("ascii"))
        except (OSError, ValueError):
            continue
    return total
