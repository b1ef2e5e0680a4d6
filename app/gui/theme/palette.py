"""The tokens of a theme as the palette that Qt's own painting uses."""

from __future__ import annotations

from PySide6.QtGui import QColor, QPalette

from app.gui.theme.tokens import Tokens


def mixed(first: str, second: str, share: float) -> QColor:
    """`share` (0 to 1) of the second colour in the first."""
    a, b = QColor(first), QColor(second)
    return QColor(
        round(a.red() + (b.red() - a.red()) * share),
        round(a.green() + (b.green() - a.green()) * share),
        round(a.blue() + (b.blue() - a.blue()) * share),
    )


def palette_of(tokens: Tokens) -> QPalette:
    """The palette of a theme; greyed roles are muted text thinned towards the ground."""
    role = QPalette.ColorRole
    palette = QPalette(QColor(tokens.surface), QColor(tokens.paper))
    for target, value in (
        (role.Window, tokens.paper),
        (role.WindowText, tokens.text),
        (role.Base, tokens.surface),
        (role.AlternateBase, tokens.sidebar),
        (role.Text, tokens.text),
        (role.Button, tokens.surface),
        (role.ButtonText, tokens.text),
        (role.BrightText, tokens.danger),
        (role.PlaceholderText, tokens.muted),
        (role.ToolTipBase, tokens.surface),
        (role.ToolTipText, tokens.text),
        (role.Highlight, tokens.text_selection),
        (role.HighlightedText, tokens.text),
        (role.Link, tokens.accent),
        (role.LinkVisited, tokens.accent),
        (role.Accent, tokens.accent),
        (role.Light, tokens.surface),
        (role.Midlight, tokens.hover),
        (role.Mid, tokens.line),
        (role.Dark, tokens.line),
        (role.Shadow, tokens.line),
    ):
        palette.setColor(target, QColor(value))
    greyed = mixed(tokens.muted, tokens.paper, 0.45)
    for target in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, target, greyed)
    return palette
