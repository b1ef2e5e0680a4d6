"""Run on a bus of its own: a desktop portal that says dark, then light; prints what was heard.

The portal is played by the system's Python, whose D-Bus binding can export objects; the keeper runs
here.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_PORTAL = """
try:
    import dbus, dbus.service
    from dbus.mainloop.glib import DBusGMainLoop
    from gi.repository import GLib
except ImportError:
    print("no module", flush=True)
    raise SystemExit
DBusGMainLoop(set_as_default=True)
bus = dbus.SessionBus()
name = dbus.service.BusName("org.freedesktop.portal.Desktop", bus)
SETTINGS = "org.freedesktop.portal.Settings"

class Portal(dbus.service.Object):
    @dbus.service.method(SETTINGS, in_signature="ss", out_signature="v")
    def ReadOne(self, namespace, key):
        GLib.timeout_add(100, self.flip)
        return dbus.UInt32(1)

    @dbus.service.signal(SETTINGS, signature="ssv")
    def SettingChanged(self, namespace, key, value):
        pass

    def flip(self):
        self.SettingChanged("org.freedesktop.appearance", "color-scheme", dbus.UInt32(2))

portal = Portal(bus, "/org/freedesktop/portal/desktop")
print("ready", flush=True)
GLib.MainLoop().run()
"""


def main() -> None:
    """Play both sides until light was heard, or for 20 seconds."""
    portal = subprocess.Popen(
        ["/usr/bin/python3", "-c", _PORTAL], stdout=subprocess.PIPE, text=True
    )
    try:
        assert portal.stdout is not None
        first = portal.stdout.readline().strip()
        if first == "ready":
            _listen()
        else:
            print("no module")  # noqa: T201
    finally:
        portal.kill()
        portal.wait()


def _listen() -> None:
    sys.path.insert(0, str(Path(__file__).parents[2]))
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication

    from app.gui.theme.keeper import ThemeKeeper
    from app.gui.theme.tokens import Tokens

    application = QApplication([])
    keeper = ThemeKeeper(application)

    def heard(tokens: Tokens) -> None:
        print(tokens.name, flush=True)  # noqa: T201
        if tokens.name == "light":
            application.exit(0)

    keeper.changed.connect(heard)
    keeper.watch_system()
    QTimer.singleShot(20_000, application.quit)
    application.exec()


if __name__ == "__main__":
    main()
