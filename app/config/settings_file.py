"""The settings file: TOML that people may edit, read with care and written whole.

`schema_version` counts up only when the meaning of a key changes, and then the older file is
converted here. A new key needs no new version: a file without it means the default. What this
version does not know stays in the file.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import Field, fields
from pathlib import Path
from typing import Any, cast

from app.config.settings_values import accept
from app.config.whole_file import free_name, write_whole
from app.domain.errors import ConfigError, SettingsDamaged
from app.domain.settings import Settings

SCHEMA_VERSION = 1


class SettingsFile:
    """The adapter for `SettingsKeeper`. Read when it is made; a missing file means defaults.

    `notices` tells what of the file could not be used.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.notices: list[SettingsDamaged] = []
        self._current = self._usable(self._given())

    @property
    def current(self) -> Settings:
        """The settings in force."""
        return self._current

    def replace(self, settings: Settings) -> None:
        """Keep these from now on and write them.

        Raises `ConfigError` where they can't be written; they are in force all the same.
        """
        self._current = settings
        try:
            write_whole(self._path, self._text(settings).encode(errors="replace"))
        except OSError as error:
            raise ConfigError(
                "The settings can't be saved. They hold until Lamplight ends.",
                f"{self._path}: {error.strerror}",
                "Check that the disk has space and that Lamplight may write to its folder.",
            ) from error

    # ------------------------------------------------------------------------------- reading

    def _given(self) -> dict[str, Any]:
        try:
            return tomllib.loads(self._path.read_bytes().decode())
        except FileNotFoundError:
            return {}
        except OSError as error:
            self._tell(
                "The settings file can't be read, so the defaults are used.",
                f"{self._path}: {error.strerror}",
                "Allow Lamplight to read the file, then start it again.",
            )
        except (ValueError, RecursionError) as error:
            self._set_aside(error)
        return {}

    def _usable(self, given: dict[str, Any]) -> Settings:
        sections: dict[str, Any] = {}
        for name, section in _sections(Settings()):
            values = given.get(name, {})
            if isinstance(values, dict):
                found = cast("dict[str, Any]", values)
                sections[name] = type(section)(**self._accepted(name, section, found))
            else:
                self._tell_default(name, name, values, "It must be a section.")
        return Settings(**sections)

    def _accepted(self, name: str, section: Any, values: dict[str, Any]) -> dict[str, object]:
        accepted: dict[str, object] = {}
        for field in _settings(section):
            if field.name not in values:
                continue
            try:
                accepted[field.name] = accept(field, values[field.name])
            except ValueError as error:
                label, key = field.metadata["label"], f"{name}.{field.name}"
                self._tell_default(label, key, values[field.name], str(error))
        return accepted

    def _tell_default(self, label: str, key: str, value: object, must: str) -> None:
        self._tell(
            f"The setting “{label}” could not be used, so its default is used.",
            f"{self._path}: {key} = {value!r:.200}",
            f"{must} Change it in the settings, or in the file.",
        )

    def _set_aside(self, error: Exception) -> None:
        """Before defaults are written over it: perhaps one wrong sign is all that is wrong."""
        kept = free_name(self._path, "damaged")
        try:
            self._path.rename(kept)
        except OSError:
            kept = self._path
        self._tell(
            "The settings file can't be understood, so the defaults are used.",
            f"{self._path}: {error}",
            f"Nothing is lost: the file is kept as {kept.name}, beside the new one.",
        )

    def _tell(self, title: str, detail: str, remedy: str) -> None:
        self.notices.append(SettingsDamaged(title, detail, remedy))

    # ------------------------------------------------------------------------------- writing

    def _text(self, settings: Settings) -> str:
        document = self._document()
        document.setdefault("schema_version", SCHEMA_VERSION)
        for name, section in _sections(settings):
            values = _table_of(document, name)
            told = {
                field.name: _toml(getattr(section, field.name))
                for field in _settings(section)
                if _must_be_told(field, values, getattr(section, field.name))
            }
            if told and values is not document.get(name):
                # No such section yet, or something else has its name.
                document[name] = told
            else:
                values.update(told)
        return str(document.as_string())

    def _document(self) -> Any:
        """The file as it lies there now, with its comments and what this version does not know."""
        # Imported here: only writing needs it, and the window opens without.
        import tomlkit
        from tomlkit.exceptions import TOMLKitError

        try:
            return tomlkit.parse(self._path.read_bytes().decode())
        except FileNotFoundError:
            return tomlkit.document()
        except (ValueError, TOMLKitError) as error:
            self._set_aside(error)
            return tomlkit.document()


def _sections(settings: Settings) -> Iterator[tuple[str, Any]]:
    for field in fields(settings):
        yield field.name, getattr(settings, field.name)


def _settings(section: Any) -> tuple[Field[Any], ...]:
    return fields(section)


def _must_be_told(field: Field[Any], values: dict[str, Any], value: object) -> bool:
    """What equals the default is not written, so that a better default reaches everybody.

    What the file says already stays as it was written there.
    """
    if field.name not in values:
        return value != field.default
    try:
        return accept(field, values[field.name]) != value
    except ValueError:
        return True


def _table_of(document: Any, name: str) -> dict[str, Any]:
    found = document.get(name)
    return found if isinstance(found, dict) else {}  # pyright: ignore[reportUnknownVariableType]


def _toml(value: object) -> object:
    return list(cast("tuple[str, ...]", value)) if isinstance(value, tuple) else value
