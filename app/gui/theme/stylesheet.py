"""The style rules that a palette cannot say, made from the tokens.

Widgets choose a rule by a dynamic property (`kind` for buttons and fields, `ground` for frames,
`tone` for labels), never by their name, so that names stay free for tests and screen readers.
Every border has its width in every state: nothing moves when the focus comes or goes.
"""

from __future__ import annotations

from string import Template

from app.gui.theme.tokens import RADIUS, RADIUS_SMALL, Tokens

_RULES = Template("""
QWidget[ground="sidebar"] { background: $sidebar; }
QWidget[ground="paper"] { background: $paper; }
QFrame[ground="card"] { background: $surface; border: 1px solid $line; border-radius: ${r}px; }
QFrame[ground="danger"] {
    background: $danger_ground; border: 1px solid $danger_line; border-radius: ${r}px; }
QFrame[ground="composer"] { background: $surface; border: 1px solid $line; border-radius: 14px; }
QFrame[ground="composer"][lit="true"] { border-color: $lit; }
QFrame[ground="toast"] { background: $text; border: none; border-radius: ${r}px; }
QFrame[ground="toast"] QLabel { color: $paper; }
QFrame[edge="right"] { border: none; border-right: 1px solid $line; }
QFrame[edge="left"] { border: none; border-left: 1px solid $line; }
QFrame[edge="bottom"] { border: none; border-bottom: 1px solid $line; }
QFrame[edge="top"] { border: none; border-top: 1px solid $line; }

QLabel[tone="muted"] { color: $muted; }
QLabel[tone="warning"] { color: $accent; }
QLabel[tone="danger"] { color: $danger; }
QLabel[tone="success"] { color: $success; }

QPushButton, QToolButton { outline: none; }
QPushButton {
    background: $surface; color: $text; border: 1px solid $line;
    border-radius: ${rs}px; padding: 5px 12px; }
QPushButton:hover { background: $hover; }
QPushButton:pressed { background: $pressed; }
QPushButton:focus { border: 1px solid $accent; }
QPushButton:disabled { color: $greyed; background: transparent; }
QPushButton[kind="primary"] {
    background: $accent_fill; color: $on_accent; border: 1px solid $accent_fill; font-weight: 600; }
QPushButton[kind="primary"]:hover { background: $accent_hover; border-color: $accent_hover; }
QPushButton[kind="primary"]:focus { border: 2px solid $text; padding: 4px 11px; }
QPushButton[kind="primary"]:disabled {
    background: $pressed; color: $greyed; border-color: $pressed; }
QPushButton[kind="round"] { border-radius: 17px; padding: 0; min-width: 34px; max-width: 34px;
    min-height: 34px; max-height: 34px; background: $accent_fill; border: none; }
QPushButton[kind="round"]:hover { background: $accent_hover; }
QPushButton[kind="round"]:focus { border: 2px solid $text; min-width: 30px; max-width: 30px;
    min-height: 30px; max-height: 30px; }
QPushButton[kind="round"]:disabled { background: $pressed; }
QPushButton[kind="quiet"] { background: transparent; border: 1px solid transparent; }
QPushButton[kind="quiet"]:hover { background: $hover; }
QPushButton[kind="quiet"]:pressed { background: $pressed; }
QPushButton[kind="quiet"]:focus { border-color: $accent; }
QPushButton[kind="switch"] { background: transparent; border: 1px solid transparent;
    color: $muted; padding: 4px 10px; }
QPushButton[kind="switch"]:hover { background: $hover; color: $text; }
QPushButton[kind="switch"]:checked { background: $selected; color: $text; }
QPushButton[kind="switch"]:focus { border-color: $accent; }
QPushButton[kind="row"] { background: transparent; border: 1px solid transparent;
    text-align: left; padding: 6px 8px; }
QPushButton[kind="row"]:hover { background: $hover; }
QPushButton[kind="row"]:focus { border-color: $accent; }
QPushButton[kind="link"] { background: transparent; border: 1px solid transparent;
    color: $accent; padding: 1px 4px; }
QPushButton[kind="link"]:hover { background: $hover; }
QPushButton[kind="link"]:focus { border-color: $accent; }
QPushButton[kind="example"] { background: $surface; border: 1px solid $line; border-radius: ${r}px;
    padding: 10px 14px; text-align: left; }
QPushButton[kind="example"]:hover { background: $hover; }
QPushButton[kind="example"]:focus { border-color: $accent; }
QFrame[ground="toast"] QPushButton {
    background: transparent; border: 1px solid transparent; color: $toast_accent;
    font-weight: 600; padding: 3px 8px; }
QFrame[ground="toast"] QPushButton:hover { background: $toast_hover; }
QFrame[ground="toast"] QPushButton:focus { border-color: $toast_accent; }

QToolButton { background: transparent; border: 1px solid transparent;
    border-radius: ${rs}px; padding: 5px; color: $text; }
QToolButton:hover { background: $hover; }
QToolButton:pressed { background: $pressed; }
QToolButton:focus { border-color: $accent; }
QToolButton:disabled { color: $greyed; }

QLineEdit, QAbstractSpinBox, QComboBox, QPlainTextEdit {
    background: $surface; color: $text; border: 1px solid $line; border-radius: ${rs}px;
    padding: 4px 8px; selection-background-color: $text_selection; selection-color: $text; }
QLineEdit:focus, QAbstractSpinBox:focus, QComboBox:focus, QPlainTextEdit:focus {
    border-color: $accent; }
QLineEdit:disabled, QAbstractSpinBox:disabled, QComboBox:disabled {
    color: $greyed; background: transparent; }
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {
    width: 0; height: 0; border: none; subcontrol-origin: border; }
QAbstractSpinBox QLineEdit, QAbstractSpinBox QLineEdit:focus {
    background: transparent; border: none; padding: 0 8px; }
QPlainTextEdit[kind="bare"] { background: transparent; border: none; padding: 0; }
QComboBox { combobox-popup: 0; padding-right: 24px; }
QComboBox::drop-down { border: none; width: 24px; }
QComboBox::down-arrow { image: none; }
QComboBox QAbstractItemView { background: $surface; border: 1px solid $line; outline: none;
    selection-background-color: $selected; selection-color: $text; padding: 4px; }

QSlider { min-height: 18px; }
QSlider::groove:horizontal { height: 4px; border-radius: 2px; background: $track; }
QSlider::sub-page:horizontal { height: 4px; border-radius: 2px; background: $accent; }
QSlider::handle:horizontal { width: 12px; height: 12px; margin: -5px 0; border-radius: 7px;
    background: $surface; border: 1px solid $accent; }
QSlider::handle:horizontal:hover { background: $hover; }
QSlider:focus { border: 1px solid $accent; border-radius: ${rs}px; }
QSlider { border: 1px solid transparent; }

QProgressBar { background: $track; border: none; border-radius: 2px; max-height: 4px;
    min-height: 4px; }
QProgressBar[kind="ring"] { background: transparent; max-height: 40px; }
QProgressBar::chunk { background: $accent; border-radius: 2px; }

QAbstractItemView { background: transparent; border: none; outline: none; }
QListView QLineEdit { border-radius: ${rs}px; border-color: $accent; padding: 3px 6px; }

QTableView[kind="figures"]::item { padding: 0 8px; }
QTableView[kind="choices"]::item { padding: 0 8px; }
QTableView[kind="choices"]::item:selected { background: $selected; color: $text; }
QTableView[kind="choices"]:focus { border: 1px solid $accent; border-radius: ${rs}px; }
QTableView[kind="choices"] { border: 1px solid transparent; }
QListView[kind="lines"]::item { padding: 5px 8px; }
QListView[kind="lines"]::item:selected { background: $selected; color: $text;
    border-radius: ${rs}px; }

QHeaderView { background: transparent; }
QHeaderView::section { background: $paper; color: $muted; border: none;
    border-bottom: 1px solid $line; padding: 4px 8px; }

QScrollArea { background: transparent; border: none; }
QScrollBar:vertical { background: transparent; width: 12px; margin: 0; }
QScrollBar:horizontal { background: transparent; height: 12px; margin: 0; }
QScrollBar::handle { background: $handle; border-radius: 3px; }
QScrollBar::handle:vertical { min-height: 32px; margin: 2px 3px; }
QScrollBar::handle:horizontal { min-width: 32px; margin: 3px 2px; }
QScrollBar::handle:hover { background: $muted; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QAbstractScrollArea::corner { background: transparent; }

QMenuBar { background: $sidebar; color: $text; border: none; padding: 2px 4px; }
QMenuBar::item { padding: 4px 9px; border-radius: ${rs}px; background: transparent; }
QMenuBar::item:selected { background: $hover; }
QMenu { background: $surface; color: $text; border: 1px solid $line; padding: 5px; }
QMenu::item { padding: 6px 28px 6px 12px; border-radius: ${rs}px; }
QMenu::item:selected { background: $selected; }
QMenu::item:disabled { color: $greyed; }
QMenu::separator { height: 1px; background: $line; margin: 5px 8px; }
QMenu::indicator { width: 14px; height: 14px; left: 8px; }
QToolTip { background: $surface; color: $text; border: 1px solid $line; padding: 5px 7px; }

QSplitter::handle { background: transparent; }
QDialog { background: $paper; }
""")


def _mix(first: str, second: str, share: float) -> str:
    pairs = zip(_channels(first), _channels(second), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def stylesheet_of(tokens: Tokens) -> str:
    """The whole style sheet of a theme."""
    named = {name: getattr(tokens, name) for name in Tokens.__dataclass_fields__ if name != "name"}
    return _RULES.substitute(
        named,
        r=RADIUS,
        rs=RADIUS_SMALL,
        greyed=_mix(tokens.muted, tokens.paper, 0.45),
        accent_hover=_mix(tokens.accent_fill, tokens.text, 0.15),
        danger_line=_mix(tokens.danger_ground, tokens.danger, 0.3),
        track=tokens.pressed,
        lit=_mix(tokens.line, tokens.accent, 0.55),
        handle=_mix(tokens.muted, tokens.paper, 0.6),
        toast_accent=_mix(tokens.accent_fill, tokens.paper, 0.5),
        toast_hover=_mix(tokens.text, tokens.paper, 0.2),
    )
