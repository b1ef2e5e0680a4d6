"""An error in the place of what it keeps away, with the button for its remedy."""

from __future__ import annotations

import math

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from app.domain.errors import (
    AccessNotGranted,
    AppError,
    HubBusy,
    HubNotTrusted,
    HubSilent,
    HubUnreachable,
    NetworkOff,
    TokenNeeded,
    TokenRefused,
    UsageError,
)
from app.gui.controls import Sign, label, named, restyle, styled, text_button
from app.gui.flow_layout import FlowLayout
from app.gui.theme.keeper import ThemeKeeper
from app.gui.theme.tokens import SPACE_1, SPACE_2, SPACE_3, SPACE_4

OFFLINE = (HubSilent, HubUnreachable, NetworkOff)
"""Nothing can be asked just now; what is on this computer works all the same."""
_OF_THE_WAY = (HubNotTrusted, HubUnreachable, UsageError)
"""Perhaps a matter of proxy, certificates or the hub's address."""
_SIGN = 18


class TroubleNote(QFrame):
    """Says what happened. A hub that wants to be left alone is asked again when it may be."""

    again_wished = Signal()
    library_wished = Signal()
    network_wished = Signal()
    """How the hub is reached: the offline switch, address, proxy, certificates."""
    page_wished = Signal()
    """The repository's page in a web browser."""
    token_wished = Signal(str)
    """Why one is needed."""

    def __init__(self, theme: ThemeKeeper) -> None:
        super().__init__()
        named(self, "Trouble")
        styled(self, ground="card")
        self.error: AppError | None = None
        self._seconds = 0
        self._tick = QTimer(self)
        self._tick.setInterval(1000)
        self._tick.timeout.connect(self._on_second)
        self._sign = Sign(theme.icon("triangle-alert", "accent"), _SIGN)
        self._title = label(wrap=True)
        font = self._title.font()
        font.setWeight(font.Weight.DemiBold)
        self._title.setFont(font)
        self._remedy = label(tone="muted", wrap=True)
        self.again = text_button("Try again")
        self.page = text_button("Open its page")
        self.token = text_button("Give an access token…", "Give an access token")
        self.library = text_button("Show my models", kind="quiet")
        self.network = text_button("Network and access…", "Network and access")
        self._buttons = (self.token, self.page, self.again, self.network, self.library)
        self._lay_out()
        self.again.clicked.connect(self.again_wished)
        self.page.clicked.connect(self.page_wished)
        self.token.clicked.connect(self._on_token)
        self.library.clicked.connect(self.library_wished)
        self.network.clicked.connect(self.network_wished)
        self.hide()

    def _lay_out(self) -> None:
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self._title)
        words.addWidget(self._remedy)
        buttons = FlowLayout(spacing=SPACE_2)
        for button in self._buttons:
            buttons.addWidget(button)
        self._actions = QWidget()
        self._actions.setLayout(buttons)
        words.addSpacing(SPACE_1)
        words.addWidget(self._actions)
        row = QHBoxLayout(self)
        row.setContentsMargins(SPACE_4, SPACE_3, SPACE_4, SPACE_3)
        row.setSpacing(SPACE_3)
        row.addWidget(self._sign, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(words, 1)

    def show_error(self, error: AppError, *, has_page: bool = False) -> None:
        """Say this; `has_page`: it is about a repository that a web browser can show."""
        self.error = error
        waits = isinstance(error, HubBusy)
        needs_token = isinstance(error, TokenNeeded | TokenRefused)
        self._title.setText(error.title)
        self._remedy.setText(error.remedy)
        self.setAccessibleDescription(f"{error.title} {error.remedy}".strip())
        self.setToolTip(error.detail)
        is_off = isinstance(error, NetworkOff)
        self.again.setVisible(not waits and not is_off)
        self.network.setVisible(is_off or isinstance(error, _OF_THE_WAY))
        self.token.setVisible(needs_token)
        self.page.setVisible(has_page and isinstance(error, AccessNotGranted | TokenNeeded))
        self.page.setText(
            "Request access" if isinstance(error, AccessNotGranted) else "Open its page"
        )
        self.library.setVisible(isinstance(error, OFFLINE))
        self._actions.setHidden(waits)
        self._mark_primary()
        self._tick.stop()
        if isinstance(error, HubBusy):
            self._seconds = max(1, math.ceil(error.wait_seconds))
            self._say_seconds()
            self._tick.start()
        self.show()

    def clear(self) -> None:
        """That trouble is over."""
        self.error = None
        self._tick.stop()
        self.hide()

    def _mark_primary(self) -> None:
        first = next((each for each in self._buttons if not each.isHidden()), None)
        for button in self._buttons:
            if button is not self.library:
                restyle(button, kind="primary" if button is first else "")

    def _on_token(self) -> None:
        if self.error is not None:
            self.token_wished.emit(self.error.title)

    def _on_second(self) -> None:
        self._seconds -= 1
        if self._seconds > 0:
            self._say_seconds()
            return
        self._tick.stop()
        self.again_wished.emit()

    def _say_seconds(self) -> None:
        minutes, seconds = divmod(self._seconds, 60)
        left = f"{minutes}:{seconds:02} minutes" if minutes else f"{seconds} s"
        self._remedy.setText(f"It is asked again by itself in {left}.")
