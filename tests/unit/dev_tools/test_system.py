"""What is missing from the system is found, installed where that may be done, and else named."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import pytest

from dev_tools import system
from dev_tools.console import Stop

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Linux's packages")

_LDD = """\
/venv/PySide6/Qt/plugins/platforms/libqxcb.so:
\tlinux-vdso.so.1 (0x00007ffd)
\tlibxcb-icccm.so.4 => not found
\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f)
\tlibxcb-keysyms.so.1 => not found
"""


class Machine:
    """A machine whose user, programs and package manager are told by the test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.user = 1000
        self.programs: set[str] = set()
        self.ran: list[list[str]] = []
        self.said: list[str] = []
        self.broken = False
        monkeypatch.delenv("CI", raising=False)
        monkeypatch.setattr(os, "geteuid", lambda: self.user)
        monkeypatch.setattr(system.shutil, "which", self._which)
        monkeypatch.setattr(system, "watch", self._watch)
        monkeypatch.setattr(system, "say", self.said.append)
        monkeypatch.setattr(system, "output_of", lambda _command: "")

    def _which(self, name: str) -> str | None:
        return f"/usr/bin/{name}" if name in self.programs else None

    def _watch(self, command: Sequence[object], *_rest: Any) -> None:
        self.ran.append([str(part) for part in command])
        if self.broken:
            raise Stop("no network")


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine of an ordinary user with nothing installed."""
    return Machine(monkeypatch)


def test_a_user_is_told_the_command(machine: Machine) -> None:
    machine.programs = {"apt-get"}
    system.install_or_tell("a C++ compiler", system.COMPILER)
    assert machine.ran == []
    assert machine.said == [
        "Missing: a C++ compiler. Install with: "
        "sudo apt-get install --no-install-recommends build-essential"
    ]


def test_root_on_debian_installs_just_what_is_missing(machine: Machine) -> None:
    machine.user = 0
    machine.programs = {"apt-get"}
    system.install_or_tell("a C++ compiler", system.COMPILER)
    assert [command[-2:] for command in machine.ran] == [
        ["update", "-q"],
        ["--no-install-recommends", "build-essential"],
    ]


def test_sudo_is_used_on_ci_only(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.programs = {"apt-get"}
    monkeypatch.setenv("CI", "true")
    system.install_or_tell("a C++ compiler", system.COMPILER)
    assert [command[:2] for command in machine.ran] == [["sudo", "-n"], ["sudo", "-n"]]


def test_a_mirror_that_is_down_does_not_end_the_setup(machine: Machine) -> None:
    machine.user = 0
    machine.programs = {"apt-get"}
    machine.broken = True
    system.install_or_tell("a C++ compiler", system.COMPILER)
    assert machine.said == ["no network"]


@pytest.mark.parametrize(
    ("manager", "command"),
    [
        ("dnf", "sudo dnf install gcc-c++"),
        ("pacman", "sudo pacman -S --needed base-devel"),
        ("zypper", "sudo zypper install gcc-c++"),
    ],
)
def test_each_package_manager_has_its_command(machine: Machine, manager: str, command: str) -> None:
    machine.programs = {manager}
    assert system.command_for(system.COMPILER) == command


@pytest.mark.skipif(sys.platform != "linux", reason="ldd")
def test_missing_libraries_are_named_by_package(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Done:
        stdout = _LDD.encode()

    monkeypatch.setattr(system.subprocess, "run", lambda *_args, **_options: Done())
    machine.programs = {"apt-get"}
    assert not system.provide_qt_libraries(tmp_path)
    assert machine.said[0].endswith(
        "sudo apt-get install --no-install-recommends libxcb-icccm4 libxcb-keysyms1"
    )
    assert "libxcb-icccm.so.4, libxcb-keysyms.so.1" in machine.said[1]


@pytest.mark.skipif(sys.platform != "linux", reason="Linux's programs")
def test_missing_test_tools_are_said_and_only_those_installed(machine: Machine) -> None:
    machine.user = 0
    machine.programs = {"apt-get", *system._TEST_TOOLS.values()} - {"Xvfb"}
    assert not system.provide_test_tools()
    assert "xvfb" in machine.ran[1]
    assert "xdotool" not in machine.ran[1]
    assert "will be skipped" in machine.said[-1]
