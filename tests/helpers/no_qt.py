"""A pytest plugin that makes PySide6 and qasync impossible to import.

`dev.py test` runs tests/unit with `-p no:pytest-qt -p tests.helpers.no_qt`: what passes then also
passes on a machine where they are not installed.
"""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

QT_PACKAGES = frozenset({"PySide6", "shiboken6", "qasync", "pytestqt"})


class QtBlocker(MetaPathFinder):
    """Answers for Qt's packages as if they were not installed."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Refuse Qt, and leave every other name to the next finder."""
        if fullname.partition(".")[0] in QT_PACKAGES:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)
        return None


def pytest_configure() -> None:
    """Block Qt from here on, and refuse to pretend if it is already there."""
    present = sorted(QT_PACKAGES & sys.modules.keys())
    if present:
        raise RuntimeError(f"{', '.join(present)} came in before the tests without Qt began")
    sys.meta_path.insert(0, QtBlocker())


def pytest_report_header() -> str:
    """Say in the header that this run is the one without Qt."""
    return "qt: blocked, as if PySide6 were not installed"
