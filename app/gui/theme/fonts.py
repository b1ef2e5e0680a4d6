"""Fonts: the system's own, with good fallbacks, in sizes relative to it."""

from __future__ import annotations

import sys

from PySide6.QtGui import QFont, QFontDatabase, QGuiApplication

_SANS = {
    "darwin": [".AppleSystemUIFont", "Helvetica Neue"],
    "win32": ["Segoe UI Variable Text", "Segoe UI"],
    "linux": ["Inter", "Cantarell", "Ubuntu", "Noto Sans", "Open Sans", "DejaVu Sans"],
}
_MONO = {
    "darwin": ["SF Mono", "Menlo", "Monaco"],
    "win32": ["Cascadia Code", "Cascadia Mono", "Consolas"],
    "linux": ["JetBrains Mono", "Source Code Pro", "Ubuntu Mono", "Noto Sans Mono"],
}
# What fontconfig answers where nobody has set a font: a default, not a wish.
_NO_WISH = {"Sans", "Sans Serif", "sans-serif", "DejaVu Sans", "Bitstream Vera Sans", "Helvetica"}
_SMALLEST = 10.0
"""Points; bare X11 sessions ask for 9, which is too small to read for long."""
_READING = 1.08
"""Messages are read, controls are only looked at: a little larger than the interface."""


def _families(table: dict[str, list[str]]) -> list[str]:
    return table.get(sys.platform, table["linux"])


def interface_font(system: QFont) -> QFont:
    """The font of all controls: the system's wish, or a good family where it has none."""
    font = QFont(system)
    if system.family() in _NO_WISH:
        font.setFamilies([*_families(_SANS), system.family()])
    if system.pointSizeF() < _SMALLEST:
        font.setPointSizeF(_SMALLEST)
    return font


def reading_font() -> QFont:
    """The font of messages and of the composer."""
    font = QGuiApplication.font()
    font.setPointSizeF(font.pointSizeF() * _READING)
    return font


def mono_font() -> QFont:
    """The font of code; without ligatures, so that every character shows as itself."""
    font = QFont(_families(_MONO))
    fallback = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont).family()
    font.setFamilies([*_families(_MONO), fallback])
    font.setStyleHint(QFont.StyleHint.Monospace)
    font.setFixedPitch(True)
    font.setPointSizeF(QGuiApplication.font().pointSizeF())
    font.setFeature(QFont.Tag("calt"), 0)
    return font
