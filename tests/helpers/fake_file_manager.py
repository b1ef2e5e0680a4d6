"""Run on a bus of its own: a file manager that prints what it is asked to show.

It is played by the system's Python, whose D-Bus binding can export objects; the wish comes from
here.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_FILE_MANAGER = """
try:
    import dbus, dbus.service
    from dbus.mainloop.glib import DBusGMainLoop
    from gi.repository import GLib
except ImportError:
    print("no module", flush=True)
    raise SystemExit
DBusGMainLoop(set_as_default=True)
loop = GLib.MainLoop()
bus = dbus.SessionBus()
FILES = "org.freedesktop.FileManager1"
name = dbus.service.BusName(FILES, bus)

class FileManager(dbus.service.Object):
    @dbus.service.method(FILES, in_signature="ass", out_signature="")
    def ShowItems(self, addresses, startup_id):
        print(*addresses, flush=True)
        GLib.idle_add(loop.quit)

manager = FileManager(bus, "/org/freedesktop/FileManager1")
print("ready", flush=True)
GLib.timeout_add_seconds(20, loop.quit)
loop.run()
"""


def main(path: str) -> None:
    """Wish to see `path`, and print what the file manager heard."""
    manager = subprocess.Popen(
        ["/usr/bin/python3", "-c", _FILE_MANAGER], stdout=subprocess.PIPE, text=True
    )
    try:
        assert manager.stdout is not None
        if manager.stdout.readline().strip() != "ready":
            print("no module")  # noqa: T201
            return
        _wish(path)
        print(manager.stdout.readline().strip())  # noqa: T201
    finally:
        manager.kill()
        manager.wait()


def _wish(path: str) -> None:
    sys.path.insert(0, str(Path(__file__).parents[2]))
    from PySide6.QtCore import QCoreApplication, QTimer

    from app.gui.present.reveal import Revealer

    application = QCoreApplication([])
    revealer = Revealer()
    revealer.show(path)
    # Long enough to be sent; an answer is not needed.
    QTimer.singleShot(300, application.quit)
    application.exec()


if __name__ == "__main__":
    main(sys.argv[1])
