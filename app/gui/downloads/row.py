"""One download in the list: what it is, how far it is, and what can be done about it."""

from __future__ import annotations

from enum import StrEnum

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtGui import QColor, QContextMenuEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QProgressBar, QVBoxLayout, QWidget

from app.domain.transfer import Transfer, TransferPhase
from app.gui.controls import ElidedLabel, icon_button, label, named, restyle, styled, text_button
from app.gui.downloads.words import (
    is_pending,
    progress_line,
    trouble_text,
    whole_text,
)
from app.gui.theme.keeper import ThemeKeeper
from app.gui.theme.tokens import SPACE_1, SPACE_2, SPACE_3, SPACE_4

_STEPS = 1000


class Wish(StrEnum):
    """What somebody wants with a download."""

    PAUSE = "Pause"
    RESUME = "Resume"
    TRY_NOW = "Try now"
    TRY_AGAIN = "Try again"
    USE = "Use it"
    SHOW = "Show in folder"
    UP = "Move up"
    DOWN = "Move down"
    REMOVE = "Remove"


_MAIN = {
    TransferPhase.WAITING: Wish.PAUSE,
    TransferPhase.RUNNING: Wish.PAUSE,
    TransferPhase.CHECKING: Wish.PAUSE,
    TransferPhase.RETRYING: Wish.TRY_NOW,
    TransferPhase.PAUSED: Wish.RESUME,
    TransferPhase.FAILED: Wish.TRY_AGAIN,
    TransferPhase.FINISHED: Wish.USE,
    TransferPhase.UNUSABLE: Wish.SHOW,
}
_ICONS = {
    Wish.PAUSE: "pause",
    Wish.RESUME: "play",
    Wish.TRY_NOW: "refresh-cw",
    Wish.TRY_AGAIN: "refresh-cw",
    Wish.USE: "check",
    Wish.SHOW: "folder-open",
    Wish.UP: "arrow-up",
    Wish.DOWN: "arrow-down",
    Wish.REMOVE: "x",
}


class TransferRow(QFrame):
    """Shows a `Transfer` and says what is wished for."""

    wished = Signal(str, object)
    """The transfer's id and a `Wish`."""
    stepped = Signal(int)
    """The focus goes so many rows further."""
    dragged = Signal(int)
    """Where the grip is now, in global pixels from the top."""
    dropped = Signal()

    def __init__(self, theme: ThemeKeeper, transfer: Transfer) -> None:
        super().__init__()
        self.setObjectName("Download")
        styled(self, ground="card")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._theme = theme
        self._transfer = transfer
        self.grip = _Grip(theme)
        self._title = ElidedLabel(transfer.request.title)
        font = self._title.font()
        font.setWeight(font.Weight.DemiBold)
        self._title.setFont(font)
        self._repo = styled(ElidedLabel(transfer.request.repo_id), tone="muted")
        self._bar = named(QProgressBar(), "Progress")
        self._bar.setRange(0, _STEPS)
        self._bar.setTextVisible(False)
        self._line = styled(ElidedLabel(), tone="muted")
        small = label(size=0.92).font()
        self._repo.setFont(small)
        self._line.setFont(small)
        self._trouble = label(wrap=True, size=0.92)
        self._main = text_button("")
        self._folder = icon_button(theme, "folder-open", Wish.SHOW)
        self._remove = icon_button(theme, "x", Wish.REMOVE)
        self._lay_out()
        self._folder.setAccessibleDescription(transfer.request.title)
        self._wire()
        self._show()

    def _lay_out(self) -> None:
        titles = QVBoxLayout()
        titles.setSpacing(0)
        titles.addWidget(self._title)
        titles.addWidget(self._repo)
        top = QHBoxLayout()
        top.setSpacing(SPACE_1)
        top.addLayout(titles, 1)
        top.addSpacing(SPACE_2)
        for button in (self._main, self._folder, self._remove):
            top.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout()
        column.setSpacing(SPACE_2)
        column.addLayout(top)
        column.addWidget(self._bar)
        column.addWidget(self._line)
        column.addWidget(self._trouble)
        row = QHBoxLayout(self)
        row.setContentsMargins(SPACE_1, SPACE_3, SPACE_3, SPACE_3)
        row.setSpacing(SPACE_1)
        row.addWidget(self.grip)
        row.addLayout(column, 1)

    def _wire(self) -> None:
        self._main.clicked.connect(lambda: self._wish(self.main_wish))
        self._folder.clicked.connect(lambda: self._wish(Wish.SHOW))
        self._remove.clicked.connect(lambda: self._wish(Wish.REMOVE))
        self.grip.moved.connect(self.dragged)
        self.grip.released.connect(self.dropped)

    # ------------------------------------------------------------------------------- content

    @property
    def transfer(self) -> Transfer:
        """What is shown."""
        return self._transfer

    @property
    def main_wish(self) -> Wish:
        """What its button does."""
        return _MAIN[self._transfer.phase]

    @property
    def last_control(self) -> QWidget:
        """Where the Tab key leaves it."""
        return self._remove

    def show_transfer(self, transfer: Transfer) -> None:
        """It is further now."""
        if transfer != self._transfer:
            self._transfer = transfer
            self._show()

    def words(self) -> str:
        """What is to be read below its name."""
        return " ".join(filter(None, (self._line.full_text(), self._trouble.text())))

    def _show(self) -> None:
        transfer = self._transfer
        pending, trouble = is_pending(transfer), trouble_text(transfer)
        self.setAccessibleName(transfer.request.title)
        self.setAccessibleDescription(whole_text(transfer))
        total = max(1, transfer.request.total_bytes)
        self._bar.setValue(_STEPS * transfer.done_bytes // total)
        self._bar.setVisible(pending)
        self._line.set_full_text(progress_line(transfer))
        self._trouble.setText(trouble)
        self._trouble.setVisible(bool(trouble))
        bad = transfer.phase in (TransferPhase.FAILED, TransferPhase.UNUSABLE)
        tone = "danger" if bad else "warning"
        if self._trouble.property("tone") != tone:
            restyle(self._trouble, tone=tone)
        self.grip.set_active(pending)
        self._folder.setVisible(not pending)
        tip = "Remove and delete what has come" if pending else "Remove from this list"
        self._remove.setToolTip(tip)
        self._remove.setAccessibleDescription(f"{transfer.request.title}: {tip}")
        if self._main.text() != self.main_wish:
            self._show_main(self.main_wish)

    def _show_main(self, wish: Wish) -> None:
        named(self._main, wish)
        self._main.setAccessibleDescription(self._transfer.request.title)
        self._main.setText(wish)
        restyle(self._main, kind="primary" if wish is Wish.USE else "")

    # ----------------------------------------------------------------- keyboard, menu, focus

    def keyPressEvent(self, event: QKeyEvent) -> None:
        moves = {Qt.Key.Key_Up: Wish.UP, Qt.Key.Key_Down: Wish.DOWN}
        key = Qt.Key(event.key())
        if key in moves and event.modifiers() & Qt.KeyboardModifier.AltModifier:
            if is_pending(self._transfer):
                self._wish(moves[key])
        elif key in moves:
            self.stepped.emit(-1 if key is Qt.Key.Key_Up else 1)
        elif key in (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._wish(self.main_wish)
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self._wish(Wish.REMOVE)
        else:
            super().keyPressEvent(event)

    def wishes(self) -> list[Wish]:
        """What its menu offers."""
        if not is_pending(self._transfer):
            use = [Wish.USE] if self.main_wish is Wish.USE else []
            return [*use, Wish.SHOW, Wish.REMOVE]
        possible = [self.main_wish, Wish.UP, Wish.DOWN, Wish.REMOVE]
        if self._transfer.phase is TransferPhase.RETRYING:
            possible.insert(1, Wish.PAUSE)
        return possible

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self.open_menu(event.globalPos())

    def open_menu(self, at: QPoint) -> None:
        """What can be done with it, at this place of the screen."""
        menu = named(QMenu(self), "Download menu")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for wish in self.wishes():
            action = menu.addAction(self._theme.icon(_ICONS[wish]), wish)
            action.triggered.connect(lambda _=False, wish=wish: self._wish(wish))
        menu.popup(at)

    def _wish(self, wish: Wish) -> None:
        self.wished.emit(self._transfer.transfer_id, wish)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.hasFocus():
            painter = QPainter(self)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QColor(self._theme.tokens.accent))
            painter.drawRoundedRect(self.rect().adjusted(0, 0, -1, -1), 8, 8)


class _Grip(QWidget):
    """What a download is dragged by, to another place in the line."""

    moved = Signal(int)
    released = Signal()

    def __init__(self, theme: ThemeKeeper) -> None:
        super().__init__()
        self._icon = theme.icon("grip-vertical", "muted")
        self._pressed = False
        self._active = False
        self.setFixedWidth(SPACE_4 + SPACE_1)
        self.setToolTip("Drag to another place, or press Alt+Up and Alt+Down")

    def set_active(self, active: bool) -> None:
        """Whether there is a line to move in."""
        self._active = active
        if self._pressed:
            return
        shape = Qt.CursorShape.OpenHandCursor if active else Qt.CursorShape.ArrowCursor
        self.setCursor(shape)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(SPACE_4 + SPACE_1, SPACE_4)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self._active and event.button() is Qt.MouseButton.LeftButton:
            self._pressed = True
            self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pressed:
            self.moved.emit(event.globalPosition().toPoint().y())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._pressed:
            self._pressed = False
            self.set_active(self._active)
            self.released.emit()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._active:
            painter = QPainter(self)
            painter.setOpacity(0.7)
            self._icon.paint(painter, (self.width() - 14) // 2, 4, 14, 14)
