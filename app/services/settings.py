"""The settings of this profile, for whoever may change them."""

from __future__ import annotations

from app.domain.ports import SettingsKeeper
from app.domain.settings import Settings


class SettingsService:
    """Reads and replaces the settings as a whole."""

    def __init__(self, keeper: SettingsKeeper) -> None:
        self._keeper = keeper

    @property
    def current(self) -> Settings:
        """The settings in force."""
        return self._keeper.current

    def change(self, settings: Settings) -> None:
        """Keep these from now on; raises `ConfigError` where they cannot be written."""
        self._keeper.replace(settings)
