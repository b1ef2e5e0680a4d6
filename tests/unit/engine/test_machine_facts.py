"""What is read of a machine: from the files of invented ones."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from app.engine import machine_facts as module
from app.engine.machine_facts import machine_facts

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux's files")


@pytest.fixture(autouse=True)
def no_battery(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "sensors_battery", lambda: None, raising=False)


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")


def policy(number: int, **files: str) -> dict[str, str]:
    folder = f"sys/devices/system/cpu/cpufreq/policy{number}"
    return {f"{folder}/{name}": text for name, text in files.items()}


def test_an_empty_machine_tells_nothing(tmp_path: Path) -> None:
    facts = machine_facts(tmp_path)
    assert facts.cores >= 1
    assert (facts.graphics, facts.on_battery, facts.power_profile) == ((), False, "")
    assert facts.frequency_share == 1.0


def test_this_machine_can_be_looked_at() -> None:
    assert 0 < machine_facts().frequency_share <= 1.0


def test_the_power_profile(tmp_path: Path) -> None:
    write(tmp_path, {"sys/firmware/acpi/platform_profile": "low-power"})
    assert machine_facts(tmp_path).power_profile == "low-power"
    preference = "sys/devices/system/cpu/cpu0/cpufreq/energy_performance_preference"
    write(tmp_path, {preference: "power"})
    assert machine_facts(tmp_path).power_profile == "power-saver"
    write(tmp_path, {preference: "balance_performance"})
    assert machine_facts(tmp_path).power_profile == "low-power"


def test_a_cap_on_the_frequency(tmp_path: Path) -> None:
    capped = policy(0, cpuinfo_max_freq="4000000", scaling_max_freq="2000000")
    write(tmp_path, capped)
    assert machine_facts(tmp_path).frequency_share == 0.5
    # Cores that are held back beside ones that are not: the engine runs on the fast ones.
    write(tmp_path, policy(4, cpuinfo_max_freq="3000000", scaling_max_freq="3000000"))
    assert machine_facts(tmp_path).frequency_share == 1.0


@pytest.mark.parametrize(("driver", "share"), [("acpi-cpufreq", 0.25), ("intel_pstate", 1.0)])
def test_powersave_means_two_things(tmp_path: Path, driver: str, share: float) -> None:
    files = policy(
        0,
        cpuinfo_max_freq="4000000",
        scaling_max_freq="4000000",
        scaling_min_freq="1000000",
        scaling_driver=driver,
        scaling_governor="powersave",
    )
    write(tmp_path, files)
    assert machine_facts(tmp_path).frequency_share == share


def test_graphics_processors(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "proc/driver/nvidia/gpus/0000:01:00.0/information": "IRQ: 1\nModel: \t NVIDIA RTX 4090",
            "proc/driver/nvidia/gpus/0000:02:00.0/information": "Model: \t Quadro P4000",
            "proc/driver/nvidia/gpus/0000:03:00.0/information": "IRQ: 1",
            "sys/class/drm/card0/device/mem_info_vram_total": str(8 * 1024**3),
            # Shares the memory of the machine.
            "sys/class/drm/card1/device/mem_info_vram_total": str(512 * 1024**2),
        },
    )
    assert machine_facts(tmp_path).graphics == (
        "NVIDIA RTX 4090",
        "NVIDIA Quadro P4000",
        "NVIDIA graphics",
        "AMD graphics",
    )


@pytest.mark.parametrize(
    ("plugged", "on_battery", "percent"),
    [(False, True, 42), (True, False, None), (None, False, None)],
)
def test_the_battery(
    plugged: bool | None,
    on_battery: bool,
    percent: int | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    battery = SimpleNamespace(percent=41.7, power_plugged=plugged)
    monkeypatch.setattr(psutil, "sensors_battery", lambda: battery, raising=False)
    facts = machine_facts(tmp_path)
    assert (facts.on_battery, facts.battery_percent) == (on_battery, percent)


def test_a_command_that_does_not_work_tells_nothing() -> None:
    assert module._told(("/no/such/command",)) == ""
    assert module._told((sys.executable, "-c", "print('told')")).strip() == "told"


def test_other_systems_are_asked_in_their_own_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_told", lambda command: _TOLD[command[0]])
    for system, profile in (("darwin", "low-power"), ("win32", "power-saver")):
        monkeypatch.setattr(module.sys, "platform", system)
        assert machine_facts().power_profile == profile


_TOLD = {
    "pmset": "System-wide power settings:\n lowpowermode         1\n sleep 1\n",
    "powercfg": "Power Scheme GUID: A1841308-3541-4FAB-BC81-F71556F20B4A  (Power saver)",
}
