"""The gate opens and closes with the settings, also for whoever asked before."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.config.network_gate import SettingsGate
from app.config.passing_settings import PassingSettings
from app.domain.errors import NetworkOff
from app.domain.network import Purpose
from app.domain.settings import NetworkSettings, Settings


def test_it_follows_the_switch():
    keeper = PassingSettings(Settings())
    gate = SettingsGate(keeper)
    gate.ask(Purpose.BROWSE, "hub.example")
    keeper.replace(replace(keeper.current, network=NetworkSettings(offline=True)))
    with pytest.raises(NetworkOff) as caught:
        gate.ask(Purpose.DOWNLOAD, "hub.example")
    assert "hub.example" in caught.value.detail
    keeper.replace(Settings())
    gate.ask(Purpose.BROWSE, "hub.example")
