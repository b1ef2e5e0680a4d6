"""What this machine is and how it is set: processor, power, graphics. Reads, changes nothing.

Blocking: some small files, on macOS and Windows one short command of the system.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import psutil

from app.domain.slowness import MachineFacts
from app.engine.limits import usable_cores

_COMMAND_SECONDS = 2.0
_WINDOWS_POWER_SAVER = "a1841308-3541-4fab-bc81-f71556f20b4a"
"""Microsoft's fixed name of that scheme (winnt.h, GUID_MAX_POWER_SAVINGS)."""
_OWN_MEMORY = 2 * 1024**3
"""A graphics processor with less memory of its own shares the machine's, and is hardly faster."""
_DYNAMIC_DRIVERS = ("intel_pstate", "amd-pstate", "amd_pstate", "amd-pstate-epp")
"""Their governor `powersave` follows the load up to the highest frequency (Linux,
admin-guide/pm/intel_pstate); with other drivers it stays at the lowest."""


def machine_facts(root: Path = Path("/")) -> MachineFacts:
    """Look now. `root` is where the files of the system lie, for tests."""
    on_battery, percent = _battery()
    return MachineFacts(
        cores=usable_cores(),
        graphics=tuple(_graphics(root)),
        on_battery=on_battery,
        battery_percent=percent,
        power_profile=_power_profile(root),
        frequency_share=_frequency_share(root),
    )


def _battery() -> tuple[bool, int | None]:
    """Whether the battery alone feeds it, and how full that is."""
    # Not on every system; and None where there is no battery.
    look = getattr(psutil, "sensors_battery", None)
    battery = look() if look is not None else None
    if battery is None or battery.power_plugged is not False:
        return False, None
    return True, round(battery.percent)


def _power_profile(root: Path) -> str:
    if sys.platform == "darwin":
        told = _told(("pmset", "-g"))
        low = any(line.split() == ["lowpowermode", "1"] for line in told.splitlines())
        return "low-power" if low else ""
    if sys.platform == "win32":
        told = _told(("powercfg", "/getactivescheme"))
        return "power-saver" if _WINDOWS_POWER_SAVER in told.lower() else ""
    # Linux, Documentation/ABI/testing/sysfs-platform_profile.
    profile = _text(root / "sys/firmware/acpi/platform_profile")
    preference = _text(root / "sys/devices/system/cpu/cpu0/cpufreq/energy_performance_preference")
    return "power-saver" if preference == "power" else profile


def _frequency_share(root: Path) -> float:
    """Linux, admin-guide/pm/cpufreq: frequencies in kHz, one policy for each group of cores."""
    shares: list[float] = []
    for policy in sorted((root / "sys/devices/system/cpu/cpufreq").glob("policy[0-9]*")):
        highest, allowed = (
            _number(policy / name) for name in ("cpuinfo_max_freq", "scaling_max_freq")
        )
        driver, governor = (_text(policy / name) for name in ("scaling_driver", "scaling_governor"))
        if governor == "powersave" and driver not in _DYNAMIC_DRIVERS:
            allowed = _number(policy / "scaling_min_freq")
        if highest and allowed:
            shares.append(min(1.0, allowed / highest))
    return max(shares, default=1.0)


def _graphics(root: Path) -> list[str]:
    if sys.platform == "darwin":
        return ["Apple graphics"] if platform.machine() == "arm64" else []
    if sys.platform == "win32":
        driver = Path(os.environ.get("SYSTEMROOT", "C:\\Windows"), "System32", "nvcuda.dll")
        return ["NVIDIA graphics"] if driver.exists() else []
    return [*_nvidia(root), *_amd(root)]


def _nvidia(root: Path) -> list[str]:
    """Its driver tells the name of each."""
    found: list[str] = []
    for path in sorted((root / "proc/driver/nvidia/gpus").glob("*/information")):
        lines = [line for line in _text(path).splitlines() if line.startswith("Model:")]
        found.append(lines[0].partition(":")[2].strip() if lines else "NVIDIA graphics")
    return [name if "NVIDIA" in name else f"NVIDIA {name}" for name in found]


def _amd(root: Path) -> list[str]:
    """Its driver tells how much memory it has."""
    sizes = sorted((root / "sys/class/drm").glob("card[0-9]*/device/mem_info_vram_total"))
    return ["AMD graphics" for path in sizes if _number(path) >= _OWN_MEMORY]


def _told(command: Sequence[str]) -> str:
    """What a command of the system prints; empty where it does not work."""
    flags = subprocess.CREATE_NO_WINDOW if sys.platform == "win32" else 0
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            timeout=_COMMAND_SECONDS,
            check=False,
            creationflags=flags,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode("utf-8", "replace")


def _text(path: Path) -> str:
    """The content of a small file; empty where there is none or it may not be read."""
    try:
        return path.read_text("utf-8", "replace").strip()
    except OSError:
        return ""


def _number(path: Path) -> int:
    text = _text(path)
    return int(text) if text.isdigit() else 0
