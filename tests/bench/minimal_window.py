"""The least that PySide6 can show: what the application's start is compared with.

`python -m tests.bench.minimal_window FILE` writes when it was painted first, and ends.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QMainWindow

if TYPE_CHECKING:
    from PySide6.QtGui import QPaintEvent


class MinimalWindow(QMainWindow):
    """Notes its first painting."""

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint, write when, and quit."""
        super().paintEvent(event)
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1]) if _LINUX else 0
        facts = {
            "monotonic": time.monotonic(),
            "processor": time.process_time(),
            "rss": pages * 4096,
            "modules": [],
        }
        Path(sys.argv[1]).write_text(json.dumps(facts), "utf-8")
        QTimer.singleShot(0, QApplication.quit)


_LINUX = sys.platform.startswith("linux")

if __name__ == "__main__":
    application = QApplication(sys.argv[:1])
    window = MinimalWindow()
    window.resize(1100, 720)
    window.show()
    raise SystemExit(application.exec())
