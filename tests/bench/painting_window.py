"""A window that paints 60 times a second, as one does in which an answer streams.

`python -m tests.bench.painting_window` writes `painted` once it has, and runs until it is ended.
"""

from __future__ import annotations

import sys

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QPlainTextEdit

_FRAME_MS = 16
_MOST_BLOCKS = 200


def main() -> int:
    """Show the window."""
    application = QApplication(sys.argv[:1])
    text = QPlainTextEdit()
    text.setMaximumBlockCount(_MOST_BLOCKS)
    text.resize(1100, 720)
    text.show()
    timer = QTimer()
    timer.timeout.connect(lambda: text.appendPlainText("Another line of a long answer. " * 3))
    timer.timeout.connect(text.viewport().update)
    timer.start(_FRAME_MS)
    QTimer.singleShot(_FRAME_MS * 10, lambda: print("painted", flush=True))
    return application.exec()


if __name__ == "__main__":
    raise SystemExit(main())
