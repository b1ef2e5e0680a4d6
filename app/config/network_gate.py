"""The one gate for everything that leaves Lamplight."""

from __future__ import annotations

from app.domain.errors import NetworkOff
from app.domain.network import Purpose
from app.domain.ports import SettingsKeeper


class SettingsGate:
    """A `NetworkGate` that opens and closes with the settings.

    Safe from any thread: settings are frozen, and replaced as a whole.
    """

    def __init__(self, keeper: SettingsKeeper) -> None:
        self._keeper = keeper

    def ask(self, purpose: Purpose, host: str) -> None:
        """Return if the request may be made; raises `NetworkOff`."""
        if self._keeper.current.network.offline:
            raise NetworkOff(
                "Lamplight is set to use no network.",
                f"It would have asked {host}, to {purpose}.",
                "Switch that off in the settings, or stay with the models on this computer.",
            )
