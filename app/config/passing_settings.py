"""Settings that are changed for this process only."""

from __future__ import annotations

from app.domain.settings import Settings


class PassingSettings:
    """A `SettingsKeeper` that writes nothing: a one-shot answer leaves no trace in the profile."""

    def __init__(self, settings: Settings) -> None:
        self._current = settings

    @property
    def current(self) -> Settings:
        """The settings in force."""
        return self._current

    def replace(self, settings: Settings) -> None:
        """Keep these until the process ends."""
        self._current = settings
