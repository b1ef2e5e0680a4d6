"""Banners: what a person must know, above the conversation until it is over or dismissed."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from app.domain.errors import AppError
from app.gui.controls import Sign, icon_button, label, named, styled, text_button
from app.gui.present.report import error_report
from app.gui.theme.keeper import ThemeKeeper
from app.gui.theme.tokens import FLAT_EDGE, READING_WIDTH, SPACE_1, SPACE_2, SPACE_3, SPACE_4

_MOST = 3
_DETAIL_HEIGHT = 120
_SIGN = 20


class Banner(QFrame):
    """One error: what happened, what to do, and the details for whoever wants them."""

    dismissed = Signal()

    def __init__(self, theme: ThemeKeeper, error: AppError) -> None:
        super().__init__()
        self.error = error
        named(self, "Banner")
        self.setAccessibleDescription(f"{error.title} {error.remedy}".strip())
        styled(self, ground="danger")
        self._detail = self._detail_box(error.detail)
        self._more = text_button("Details", "Show details", kind="quiet")
        self._more.setVisible(bool(error.detail))
        self._more.clicked.connect(self._fold)
        self._copy = text_button("Copy report", kind="quiet")
        self._copy.clicked.connect(self._on_copy)
        self._close = icon_button(theme, "x", "Dismiss", token="text")
        self._close.clicked.connect(self.dismissed)
        self._lay_out(theme)

    def _lay_out(self, theme: ThemeKeeper) -> None:
        sign = Sign(theme.icon("triangle-alert", "danger"), _SIGN)
        title = label(self.error.title, wrap=True)
        font = title.font()
        font.setBold(True)
        title.setFont(font)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.setContentsMargins(0, SPACE_1, 0, 0)
        words.addWidget(title)
        if self.error.remedy:
            words.addWidget(label(self.error.remedy, wrap=True))
        words.addWidget(self._detail)
        row = QHBoxLayout()
        row.setSpacing(SPACE_3)
        top = Qt.AlignmentFlag.AlignTop
        signs = QVBoxLayout()
        signs.setContentsMargins(0, SPACE_1, 0, 0)
        signs.addWidget(sign, 0, top)
        row.addLayout(signs)
        row.addLayout(words, 1)
        row.addWidget(self._close, 0, top)
        buttons = QHBoxLayout()
        # The words of a flat button stand under the words above, not its invisible edge.
        buttons.setContentsMargins(_SIGN + SPACE_3 - FLAT_EDGE, 0, 0, 0)
        buttons.setSpacing(0)
        buttons.addWidget(self._more)
        buttons.addWidget(self._copy)
        buttons.addStretch()
        column = QVBoxLayout(self)
        column.setContentsMargins(SPACE_4, SPACE_2, SPACE_2, SPACE_2)
        column.setSpacing(SPACE_1)
        column.addLayout(row)
        column.addLayout(buttons)

    def _detail_box(self, text: str) -> QPlainTextEdit:
        box = named(QPlainTextEdit(text), "Details")
        box.setReadOnly(True)
        box.setTabChangesFocus(True)
        box.setFixedHeight(min(_DETAIL_HEIGHT, 18 * (text.count("\n") + 1) + 30))
        box.hide()
        return box

    def _fold(self) -> None:
        shown = self._detail.isHidden()
        self._detail.setVisible(shown)
        named(self._more, "Hide details" if shown else "Show details")
        self._more.setText("Hide details" if shown else "Details")

    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(error_report(self.error))
        self._copy.setText("Copied")


class BannerStack(QWidget):
    """The banners in force: one of a kind, the newest on top, three at most."""

    def __init__(self, theme: ThemeKeeper) -> None:
        super().__init__()
        self._theme = theme
        self._banners: dict[str, Banner] = {}
        column = QWidget()
        column.setMaximumWidth(READING_WIDTH)
        self._column = QVBoxLayout(column)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(SPACE_2)
        row = QHBoxLayout(self)
        row.setContentsMargins(SPACE_4, SPACE_2, SPACE_4, SPACE_2)
        row.addStretch(1)
        row.addWidget(column, 100)
        row.addStretch(1)
        self.hide()

    def show_error(self, error: AppError) -> None:
        """Add a banner, or replace the one of the same kind."""
        shown = self._banners.get(error.kind)
        if shown is not None and shown.error.to_dict() == error.to_dict():
            return
        self.remove(error.kind)
        banner = Banner(self._theme, error)
        banner.dismissed.connect(lambda: self.remove(error.kind))
        self._column.insertWidget(0, banner)
        self._banners[error.kind] = banner
        for kind in list(self._banners)[:-_MOST]:
            self.remove(kind)
        self.show()

    def remove(self, kind: str) -> None:
        """Take the banner of a kind away, if there is one."""
        banner = self._banners.pop(kind, None)
        if banner is not None:
            self._column.removeWidget(banner)
            banner.hide()
            banner.deleteLater()
        self.setVisible(bool(self._banners))

    def errors(self) -> list[AppError]:
        """What is shown, oldest first."""
        return [banner.error for banner in self._banners.values()]
