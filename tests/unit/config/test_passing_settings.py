"""Settings that are changed for this process only."""

from __future__ import annotations

from app.config.passing_settings import PassingSettings
from app.domain.settings import AppearanceSettings, Settings


def test_they_are_kept_until_the_process_ends():
    keeper = PassingSettings(Settings())
    changed = Settings(appearance=AppearanceSettings("dark"))
    keeper.replace(changed)
    assert keeper.current == changed
