"""Settings for all tests: the guards, the markers by folder, and the Qt options without Qt."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import settings

if TYPE_CHECKING:
    import pytest

pytest_plugins = ["tests.helpers.guards"]

_TESTS = Path(__file__).parent
_MARKED_FOLDERS = ("gui", "e2e")

# No deadline: on a busy machine a slow example is no fault. print_blob: a failure can be repeated.
settings.register_profile("lamplight", deadline=None, print_blob=True)
settings.load_profile("lamplight")


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Keep pytest-qt's options known to --strict-config in the run that leaves pytest-qt out."""
    if not pluginmanager.hasplugin("pytest-qt"):
        parser.addini("qt_api", "pytest-qt is not loaded")
        parser.addini("qt_log_level_fail", "pytest-qt is not loaded")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what lies under tests/gui and tests/e2e by its folder."""
    for item in items:
        if item.path.is_relative_to(_TESTS):
            folder = item.path.relative_to(_TESTS).parts[0]
            if folder in _MARKED_FOLDERS:
                item.add_marker(folder)
