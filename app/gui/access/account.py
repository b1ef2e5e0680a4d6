"""The part of the dialog about the account at the hub: whether there is a token, and a new one."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from app.gui.access import words
from app.gui.controls import TickBox, label, named, restyle, text_button
from app.gui.theme.keeper import ThemeKeeper
from app.gui.theme.tokens import SPACE_2
from app.services.access import Access, TokenPlace


class AccountPart(QWidget):
    """A field for a token, which is never shown again once it is kept."""

    sign_in_wished = Signal(str, bool)
    """A token, and whether it is kept only until the end."""
    sign_out_wished = Signal()
    page_wished = Signal(str)
    """The address at which tokens are made."""

    def __init__(self, theme: ThemeKeeper) -> None:
        super().__init__()
        self._page = ""
        self.reason = label(wrap=True, tone="warning")
        self.reason.setObjectName("Reason")
        self.reason.hide()
        self.state = label(wrap=True)
        self.state.setObjectName("Token state")
        self.edit = named(QLineEdit(), "Access token", words.TOKEN_HELP)
        self.edit.setEchoMode(QLineEdit.EchoMode.Password)
        self.edit.setPlaceholderText("hf_…")
        self.check = text_button("Check and keep", "Check and keep the token")
        self.session = TickBox(theme, words.FOR_SESSION)
        self.make = text_button("Make a token…", "Make a token", kind="quiet")
        self.forget = text_button("Forget it", "Forget the token", kind="quiet")
        self.answer = label(wrap=True)
        self.answer.setObjectName("Token answer")
        self.answer.hide()
        self._lay_out()
        self._wire()

    def _lay_out(self) -> None:
        entry, links = QHBoxLayout(), QHBoxLayout()
        entry.setSpacing(SPACE_2)
        entry.addWidget(self.edit, 1)
        entry.addWidget(self.check)
        links.addWidget(self.session, 1)
        links.addWidget(self.forget)
        links.addWidget(self.make)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE_2)
        column.addWidget(self.reason)
        column.addWidget(self.state)
        column.addLayout(entry)
        column.addWidget(self.answer)
        column.addLayout(links)
        column.addWidget(label(words.TOKEN_HELP, tone="muted", wrap=True, size=0.92))

    def _wire(self) -> None:
        self.check.clicked.connect(self._on_check)
        self.edit.returnPressed.connect(self._on_check)
        self.edit.textChanged.connect(self._show_possible)
        self.forget.clicked.connect(self.sign_out_wished)
        self.make.clicked.connect(lambda: self.page_wished.emit(self._page))
        self._show_possible()

    def show_reason(self, reason: str) -> None:
        """Why a token is asked for."""
        self.reason.setText(reason)
        self.reason.setVisible(bool(reason))

    def show_access(self, access: Access) -> None:
        """Whether there is a token now."""
        self._page = f"{access.hub.url}/settings/tokens"
        self.state.setText(words.token_state(access))
        self.forget.setVisible(access.token is not TokenPlace.NOWHERE)
        self.edit.setEnabled(access.hub.may_see_token)
        self.session.setEnabled(access.hub.may_see_token)
        self._show_possible()

    def show_answer(self, text: str, tone: str = "") -> None:
        """What came of it."""
        self.answer.setText(text)
        self.answer.setVisible(bool(text))
        restyle(self.answer, tone=tone)
        self._show_possible()

    def done(self) -> None:
        """The token is kept: nothing of it stays here."""
        self.edit.clear()
        self.show_reason("")

    def _show_possible(self) -> None:
        asking = self.answer.text() == words.CHECKING
        self.check.setEnabled(bool(self.edit.text().strip()) and not asking)

    def _on_check(self) -> None:
        if self.check.isEnabled():
            self.sign_in_wished.emit(self.edit.text(), self.session.isChecked())
