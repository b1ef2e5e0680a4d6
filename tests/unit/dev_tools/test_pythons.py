"""Which Python is taken, and what is said where none will do."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from dev_tools import pythons
from dev_tools.console import Stop


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Interpreters by their path, with what the probe answers; in the order they are found."""
    found: dict[str, str] = {}
    monkeypatch.setattr(pythons, "_candidates", lambda: iter(found))
    monkeypatch.setattr(pythons, "output_of", lambda command: found.get(command[0]))
    return found


def probed(version: str, ensurepip: bool = True, implementation: str = "cpython") -> str:
    major, minor = version.split(".")
    return f"{major}|{minor}|{ensurepip}|{implementation}|linux-x86_64|/base/python{version}\n"


def test_the_first_usable_one_is_taken(machine: dict[str, str]) -> None:
    machine["/usr/bin/python3"] = probed("3.9")
    machine["/opt/pypy"] = probed("3.11", implementation="pypy")
    machine["/usr/bin/python3.14"] = probed("3.14")
    machine["/usr/bin/python3.12"] = probed("3.12")
    machine["/usr/bin/python3.11"] = probed("3.11")
    found = pythons.find_python()
    assert found.version == (3, 12)
    assert found.path == Path("/base/python3.12")


def test_none_is_a_sentence_with_a_command(machine: dict[str, str]) -> None:
    machine["/usr/bin/python3"] = probed("3.9")
    with pytest.raises(Stop, match=r"needs Python 3\.11, 3\.12 or 3\.13.*Install"):
        pythons.find_python()


def test_a_missing_venv_module_is_named(machine: dict[str, str]) -> None:
    machine["/usr/bin/python3"] = probed("3.11", ensurepip=False)
    with pytest.raises(Stop, match=r"apt-get install python3\.11-venv"):
        pythons.find_python()


def test_the_one_asked_for_must_fit(machine: dict[str, str]) -> None:
    machine["/usr/bin/python3.14"] = probed("3.14")
    with pytest.raises(Stop, match=r"is Python 3\.14"):
        pythons.find_python("/usr/bin/python3.14")
    with pytest.raises(Stop, match="is not a Python"):
        pythons.find_python("/usr/bin/true")


def test_the_interpreter_of_this_very_test_is_usable() -> None:
    assert pythons.find_python(sys.executable).version == sys.version_info[:2]
