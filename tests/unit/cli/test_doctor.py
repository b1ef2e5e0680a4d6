"""The report: what is in it, what is not, and that nothing in it can fail."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from app import __version__
from app.cli.commands import DONE, FAILED, Doctor
from app.domain.errors import EngineCrashed, SettingsDamaged, StoreDamaged
from app.services import doctor
from app.services.doctor import DoctorProbes, DoctorReport, DoctorService
from tests.unit.cli.terminal import at_terminal, engine_facts

HEALTH = {
    "file": str(Path.home() / "lamplight.db"),
    "size_bytes": "4096",
    "schema_version": "1",
    "sqlite_version": "3.45.0",
    "quick_check": "ok",
    "message_rows": "7",
}


async def kept_bytes() -> int:
    """As an engine tells."""
    return 93_000_000


async def health() -> Mapping[str, str]:
    """As a sound store tells."""
    return HEALTH


def probes(**changes: Any) -> DoctorProbes:
    """Whom to ask when all is well."""
    sound: dict[str, Any] = {
        "paths": {"Profile": str(Path.home() / "profile")},
        "engine": engine_facts,
        "kept": kept_bytes,
        "database": health,
        "keyring": lambda: "Secret Service",
        "settings_notices": list,
    }
    return DoctorProbes(**{**sound, **changes})


def report(**changes: Any) -> DoctorReport:
    """The report of these probes."""
    return asyncio.run(DoctorService(probes(**changes)).report())


def rows(found: DoctorReport, section: str) -> dict[str, str]:
    """The rows of one section."""
    return {row.name: row.value for s in found.sections if s.title == section for row in s.rows}


def test_all_is_well() -> None:
    found = report()
    assert found.sound
    assert rows(found, "Versions")["Lamplight"] == __version__
    assert rows(found, "Versions")["Python"].startswith("3.")
    assert rows(found, "Engine") == {"llama.cpp": "b1", "devices 1": "CPU: fast"}
    assert rows(found, "Read conversations") == {"Kept on disk": "93.0 MB"}
    assert rows(found, "Database")["SQLite"] == "3.45.0"
    assert rows(found, "Database")["Integrity"] == "ok"
    assert rows(found, "Secrets") == {"Keyring": "Secret Service"}


def test_the_home_folder_is_not_told() -> None:
    found = report()
    assert rows(found, "Paths")["Profile"].startswith("~")
    assert str(Path.home()) not in json.dumps(found.to_dict())


def test_qt_is_not_imported() -> None:
    before = "PySide6" in sys.modules
    assert rows(report(), "Versions")["Qt"]
    assert ("PySide6" in sys.modules) == before


async def crashed() -> Mapping[str, str]:
    raise EngineCrashed("The engine stopped.", "signal 6")


async def unsound() -> Mapping[str, str]:
    return {**HEALTH, "quick_check": "row 3 missing"}


async def damaged() -> Mapping[str, str]:
    raise StoreDamaged("The conversations cannot be read.", str(Path.home() / "x.db"))


async def silent() -> Mapping[str, str]:
    await asyncio.Event().wait()
    return {}


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"engine": crashed}, "Engine: llama.cpp"),
        ({"database": unsound}, "Database: Integrity"),
        ({"database": damaged}, "Database: Integrity"),
        ({"engine": silent}, "Engine: llama.cpp"),
        ({"settings_notices": lambda: [SettingsDamaged("Bad.")]}, "Settings: Settings file"),
    ],
)
def test_what_is_wrong_is_a_line(
    changes: dict[str, Any], wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "PROBE_SECONDS", 0.05)
    found = report(**changes)
    assert not found.sound
    assert found.to_dict()["wrong"] == [wrong]
    assert str(Path.home()) not in json.dumps(found.to_dict())


def test_a_settings_notice_is_told_without_the_value() -> None:
    notice = SettingsDamaged("One setting was not used.", "system_prompt = 'secret'", "Look.")
    found = json.dumps(report(settings_notices=lambda: [notice]).to_dict())
    assert "One setting was not used." in found
    assert "secret" not in found


def test_the_printed_report() -> None:
    outcome = at_terminal(Doctor(None), probes=probes())
    assert outcome.status == DONE
    assert "Versions\n  Lamplight" in outcome.out
    assert "!" not in outcome.out


def test_the_printed_report_marks_what_is_wrong() -> None:
    outcome = at_terminal(Doctor(None), probes=probes(engine=crashed))
    assert outcome.status == FAILED
    assert "! llama.cpp" in outcome.out
    assert "The engine stopped. signal 6" in outcome.out


def test_the_report_in_json() -> None:
    outcome = at_terminal(Doctor(None, json=True), probes=probes())
    assert json.loads(outcome.out)["sections"]["Engine"]["llama.cpp"] == "b1"
