"""What a person, or whoever helps them, needs to know about this installation.

The report holds no private text: no message, no title, no prompt, no setting's value, and the home
folder is written as `~`.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import platform
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app import __version__
from app.domain.errors import AppError

PROBE_SECONDS: Final = 20.0
"""How long an engine host or a keyring may take to answer."""

_SOUND: Final = "ok"
_DATABASE_LABELS: Final = {
    "file": "File",
    "size_bytes": "Size in bytes",
    "schema_version": "Schema version",
    "quick_check": "Integrity",
    "conversation_rows": "Conversations",
    "message_rows": "Messages",
    "run_rows": "Answers",
}

EngineFacts = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True, slots=True)
class DoctorRow:
    """One fact."""

    name: str
    value: str
    wrong: bool = False
    """Whether something must be done about it."""


@dataclass(frozen=True, slots=True)
class DoctorSection:
    """Facts that belong together."""

    title: str
    rows: tuple[DoctorRow, ...]


@dataclass(frozen=True, slots=True)
class DoctorReport:
    """All that was found."""

    sections: tuple[DoctorSection, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not any(row.wrong for section in self.sections for row in section.rows)

    def to_dict(self) -> dict[str, object]:
        """For `--json`: `{"sound": …, "sections": {title: {name: value}}, "wrong": [name, …]}`."""
        return {
            "sound": self.sound,
            "sections": {
                section.title: {row.name: row.value for row in section.rows}
                for section in self.sections
            },
            "wrong": [
                f"{section.title}: {row.name}"
                for section in self.sections
                for row in section.rows
                if row.wrong
            ],
        }


@dataclass(frozen=True, slots=True)
class DoctorProbes:
    """Whom to ask; `app.bootstrap` supplies them. Coroutines raise `AppError` cases only."""

    paths: Mapping[str, str]
    """Label to path: profile, settings file, log folder."""
    engine: Callable[[], Awaitable[EngineFacts]]
    """As `Engine.describe`."""
    kept: Callable[[], Awaitable[int]]
    """As `Engine.kept_bytes`."""
    database: Callable[[], Awaitable[Mapping[str, str]]]
    """As `ConversationStore.health`."""
    keyring: Callable[[], str]
    """The name of the keyring in use, `none` without one; called in another thread."""
    settings_notices: Callable[[], Iterable[AppError]]
    """What was wrong with the settings file when it was read."""


class DoctorService:
    """Asks every part how it is; a part that cannot answer is a line in the report."""

    def __init__(self, probes: DoctorProbes) -> None:
        self._probes = probes

    async def report(self) -> DoctorReport:
        """Ask; takes as long as an engine host needs to start, at most `PROBE_SECONDS`."""
        probes = self._probes
        engine, kept, database, keyring = await asyncio.gather(
            _asked("llama.cpp", _engine_rows(probes.engine)),
            _asked("Kept on disk", _kept_rows(probes.kept)),
            _asked("Integrity", _database_rows(probes.database)),
            _asked("Keyring", _keyring_rows(probes.keyring)),
        )
        notices = [
            DoctorRow("Settings file", error.title, wrong=True)
            for error in probes.settings_notices()
        ]
        paths = [DoctorRow(name, _without_home(path)) for name, path in probes.paths.items()]
        return DoctorReport(
            (
                DoctorSection("Versions", tuple(_version_rows())),
                DoctorSection("Paths", tuple(paths)),
                DoctorSection("Engine", tuple(engine)),
                DoctorSection("Read conversations", tuple(kept)),
                DoctorSection("Database", tuple(database)),
                DoctorSection("Settings", (*(notices or [DoctorRow("Settings file", _SOUND)]),)),
                DoctorSection("Secrets", tuple(keyring)),
            )
        )


async def _asked(name: str, answer: Awaitable[list[DoctorRow]]) -> list[DoctorRow]:
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            return await answer
    except AppError as error:
        return [DoctorRow(name, _without_home(f"{error.title} {error.detail}".strip()), wrong=True)]
    except TimeoutError:
        return [DoctorRow(name, f"did not answer within {PROBE_SECONDS:.0f} s", wrong=True)]


def _version_rows() -> list[DoctorRow]:
    return [
        DoctorRow("Lamplight", __version__),
        DoctorRow("Python", platform.python_version()),
        DoctorRow("System", platform.platform()),
        # From the package's metadata: importing Qt would need a display's libraries.
        DoctorRow("Qt", _installed("PySide6-Essentials")),
    ]


def _installed(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


async def _engine_rows(probe: Callable[[], Awaitable[EngineFacts]]) -> list[DoctorRow]:
    rows: list[DoctorRow] = []
    for name, value in (await probe()).items():
        label = name.replace("_", " ")
        if isinstance(value, str):
            rows.append(DoctorRow(label, value))
        else:
            rows += [DoctorRow(f"{label} {number}", one) for number, one in enumerate(value, 1)]
    return rows


async def _kept_rows(probe: Callable[[], Awaitable[int]]) -> list[DoctorRow]:
    return [DoctorRow("Kept on disk", f"{await probe() / 1e6:.1f} MB")]


async def _database_rows(probe: Callable[[], Awaitable[Mapping[str, str]]]) -> list[DoctorRow]:
    found = await probe()
    rows = [
        DoctorRow(label, _without_home(found[key]), key == "quick_check" and found[key] != _SOUND)
        for key, label in _DATABASE_LABELS.items()
        if key in found
    ]
    return [DoctorRow("SQLite", found.get("sqlite_version", "")), *rows]


async def _keyring_rows(probe: Callable[[], str]) -> list[DoctorRow]:
    return [DoctorRow("Keyring", await asyncio.to_thread(probe))]


def _without_home(text: str) -> str:
    home = str(Path.home())
    return text.replace(home, "~") if len(home) > 1 else text
