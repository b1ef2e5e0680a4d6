"""The dialog “Network and access”: it shows what it is given and says what is wished for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.domain.settings import HubSettings, NetworkSettings, Settings
from app.gui.access import words
from app.gui.access.account import AccountPart
from app.gui.access.fields import FileField, LineField, ProxyField
from app.gui.controls import label, named, restyle, separator, text_button
from app.gui.loading.fields import LoadField, SwitchField
from app.gui.present.dialogs import Dialog
from app.gui.theme.keeper import ThemeKeeper
from app.gui.theme.tokens import SPACE_3, SPACE_4, SPACE_6
from app.services.access import Access

_SIZE = (560, 720)


class AccessDialog(Dialog):
    """Edits some of the settings as soon as a field is left; blocks nothing."""

    changed = Signal()
    try_wished = Signal()

    def __init__(self, parent: QWidget, theme: ThemeKeeper) -> None:
        super().__init__(parent, "Network and access")
        self.setModal(False)
        self.account = AccountPart(theme)
        self.address = LineField(theme, "address", "https://huggingface.co", HubSettings)
        self.offline = SwitchField(theme, "offline", NetworkSettings)
        self.proxy = ProxyField(theme, NetworkSettings)
        self.certificates = FileField(theme, "certificates", "None", NetworkSettings)
        self.hub_note = _line("Hub note", "warning")
        self.problem = _line("Problem", "danger")
        self.answer = _line("Answer")
        self.try_out = text_button("Try the connection")
        self._lay_out()
        for field in (self.address, self.offline, self.proxy, self.certificates):
            field.changed.connect(self.changed)
        self.try_out.clicked.connect(self.try_wished)
        room = parent.window().size()
        width, height = room.width() - SPACE_6, room.height() - SPACE_6
        self.resize(min(_SIZE[0], width), min(_SIZE[1], height))

    def _lay_out(self) -> None:
        sheet = QWidget()
        column = QVBoxLayout(sheet)
        column.setContentsMargins(0, 0, SPACE_3, 0)
        column.setSpacing(SPACE_4)
        for widget in (
            self.address, self.hub_note, separator(),
            _heading("Account"), self.account, separator(),
            _heading("Network"), self.offline, self.proxy, self.certificates,
        ):  # fmt: skip
            column.addWidget(widget)
        column.addStretch()
        self.sheet = named(QScrollArea(), "Access settings")
        self.sheet.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.sheet.setWidgetResizable(True)
        self.sheet.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.sheet.setWidget(sheet)
        self.column.addWidget(self.sheet, 1)
        # Below the sheet, where they are seen wherever it is scrolled to.
        self.column.addWidget(self.problem)
        self.column.addWidget(self.answer)
        close = text_button("Close", "Close network and access")
        close.clicked.connect(self.accept)
        row = QHBoxLayout()
        row.addWidget(self.try_out)
        row.addStretch()
        row.addWidget(close)
        self.column.addLayout(row)
        for button in self.findChildren(QPushButton):
            # Enter belongs to the fields: it says that an address is written.
            button.setAutoDefault(False)

    # ------------------------------------------------------------------------------- content

    def show_settings(self, settings: Settings) -> None:
        """Take values without telling them as a change."""
        self.address.show_value(settings.hub.address)
        for field in self._network():
            field.show_value(getattr(settings.network, field.what.name))

    def applied(self, settings: Settings) -> Settings:
        """The same with what the fields say."""
        network: dict[str, Any] = {field.what.name: field.value for field in self._network()}
        return replace(
            settings,
            hub=replace(settings.hub, address=self.address.value),
            network=replace(settings.network, **network),
        )

    def _network(self) -> tuple[LoadField, ...]:
        return (self.offline, self.proxy, self.certificates)

    def show_access(self, access: Access) -> None:
        """How the hub is reached now."""
        self.account.show_access(access)
        note = words.hub_note(access)
        self.hub_note.setText(note)
        self.hub_note.setVisible(bool(note))
        self.address.edit.setEnabled(not access.from_environment)

    def show_problem(self, text: str) -> None:
        """Why what the fields say cannot be; empty: it holds."""
        self.problem.setText(text)
        self.problem.setVisible(bool(text))

    def show_answer(self, text: str, tone: str = "") -> None:
        """What came of trying the connection."""
        self.answer.setText(text)
        self.answer.setVisible(bool(text))
        restyle(self.answer, tone=tone)
        self.try_out.setEnabled(text != words.CHECKING)

    def ask_token(self, reason: str) -> None:
        """Go to the field for a token, and say why."""
        self.account.show_reason(reason)
        self.account.edit.setFocus()
        self.sheet.ensureWidgetVisible(self.account)


def _line(name: str, tone: str = "") -> QLabel:
    line = label(wrap=True, tone=tone)
    line.setObjectName(name)
    line.hide()
    return line


def _heading(words_: str) -> QLabel:
    heading = label(words_)
    font = heading.font()
    font.setWeight(font.Weight.DemiBold)
    heading.setFont(font)
    return heading
