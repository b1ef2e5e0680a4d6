"""The dialog “Get a model by name”: it shows what it is given and says what is wished for."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtWidgets import QFrame, QLineEdit, QProgressBar, QVBoxLayout, QWidget

from app.domain.errors import AppError
from app.domain.ollama import OllamaProgress
from app.gui.byname import words
from app.gui.controls import label, named, restyle, styled, text_button
from app.gui.present.dialogs import Dialog
from app.gui.theme.tokens import SPACE_1, SPACE_3, SPACE_6

if TYPE_CHECKING:
    from PySide6.QtGui import QKeyEvent

_WIDTH = 520
_PAUSE = 450
"""Milliseconds without a key before what is typed is looked at."""
_STEPS = 1000
"""Of the progress bar: bytes of large models are too many for it."""


class Main(StrEnum):
    """What the main button does now."""

    NOTHING = "Download"
    DOWNLOAD = "Download now"
    PULL = "Get it through Ollama"
    TOKEN = "Give an access token"
    USE = "Use it now"


class ByNameDialog(Dialog):
    """A field, below it what its name turned out to be, and one button that goes on from there.

    Blocks nothing. Closed while Ollama fetches, it wishes for the end of that.
    """

    name_changed = Signal(str)
    """A person stopped typing."""
    download_wished = Signal()
    pull_wished = Signal()
    stop_wished = Signal()
    token_wished = Signal()
    use_wished = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, "Get a model by name")
        self.setModal(False)
        self._main = Main.NOTHING
        self._is_pulling = False
        self.field = named(QLineEdit(), "Name or address")
        self.field.setPlaceholderText("AUTHOR/NAME, an address, or llama3.2:3b")
        self.field.setClearButtonEnabled(True)
        self.title = label(wrap=True)
        self.title.setObjectName("Found model")
        self.about = label(tone="muted", wrap=True)
        self.about.setObjectName("About the model")
        self.note = label(wrap=True)
        self.note.setObjectName("Note on the model")
        self.bar = named(QProgressBar(), "Progress of Ollama")
        self.bar.setRange(0, _STEPS)
        self.bar.setTextVisible(False)
        self.parts = label(tone="muted", wrap=True, size=0.92)
        self.parts.setObjectName("Parts of the model")
        self.main = named(text_button("Download", kind="primary"), "Get the model")
        self.stop = text_button("Stop", "Stop Ollama")
        self.close_button = text_button("Close", "Close get a model by name")
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_PAUSE)
        self._lay_out()
        self._wire()
        self.show_hint()
        self.field.setFocus()
        self.resize(min(_WIDTH, parent.window().width() - SPACE_6), self.sizeHint().height())

    def _lay_out(self) -> None:
        card = styled(QFrame(), ground="card")
        inside = QVBoxLayout(card)
        inside.setContentsMargins(SPACE_3, SPACE_3, SPACE_3, SPACE_3)
        inside.setSpacing(SPACE_1)
        for widget in (self.title, self.about, self.note, self.bar, self.parts):
            inside.addWidget(widget)
        self.column.addWidget(self.field)
        self.column.addWidget(card)
        self.column.addStretch()
        self.add_buttons([self.close_button, self.stop, self.main])
        self.main.setDefault(True)

    def _wire(self) -> None:
        self._pause.timeout.connect(self._tell_name)
        self.close_button.clicked.connect(self.reject)
        self.field.returnPressed.connect(self._on_return)
        self.field.textEdited.connect(self._on_edit)
        self.field.textChanged.connect(self._on_text)
        self.finished.connect(self._pause.stop)
        self.main.clicked.connect(self._on_main)
        self.stop.clicked.connect(self.stop_wished)

    # ----------------------------------------------------------------------------- what is shown

    def show_name(self, name: str) -> None:
        """As if it had been pasted."""
        self.field.setText(name)
        self._tell_name()

    def show_hint(self) -> None:
        """Nothing is named yet."""
        self._show("", words.HINT)

    def show_looking(self, sentence: str) -> None:
        """The hub is being asked."""
        self._show("", sentence)

    def show_found(self, title: str, about: str, caution: str, button: str) -> None:
        """What can be downloaded."""
        self._show(title, about, caution, "warning", Main.DOWNLOAD)
        self.main.setText(button)

    def show_fit(self, sentence: str, tone: str) -> None:
        """Whether what was found fits, below what is there."""
        before = self.note.text()
        loud = tone != "muted"
        restyle(self.note, tone=tone if loud or not before else "warning")
        self.note.setText(f"{before} {sentence}".strip())
        self.note.show()

    def show_ollama(self, sentence: str) -> None:
        """A name of Ollama's."""
        self._show("", sentence, main=Main.PULL)

    def show_pulling(self, name: str, progress: OllamaProgress) -> None:
        """Ollama fetches."""
        self._show(f"Ollama fetches “{name}”", words.step(progress), is_pulling=True)
        total = progress.total_bytes
        self.bar.setRange(0, _STEPS if total else 0)
        self.bar.setValue(progress.done_bytes * _STEPS // total if total else 0)
        self.bar.setAccessibleDescription(words.step(progress))
        self.parts.setText(words.parts(progress))
        self.parts.setVisible(len(progress.parts) > 1)

    def show_trying(self, name: str) -> None:
        """All has come; the engine is asked whether it can use it."""
        self._show(f"Ollama has “{name}”", "Looking whether it can be used here…", is_pulling=True)
        self.bar.setRange(0, 0)

    def show_ready(self, name: str) -> None:
        """Ollama's model can be chosen."""
        self._show("", words.ready(name), main=Main.USE)
        self.main.setFocus()

    def show_error(self, error: AppError, main: Main = Main.NOTHING) -> None:
        """What stands in the way; `main` tries again, or helps."""
        self._show(error.title, error.remedy, main=main)
        restyle(self.title, tone="danger")
        self.title.setToolTip(error.detail)

    def _show(
        self,
        title: str,
        about: str,
        note: str = "",
        tone: str = "",
        main: Main = Main.NOTHING,
        *,
        is_pulling: bool = False,
    ) -> None:
        restyle(self.title, tone="")
        restyle(self.note, tone=tone)
        self.title.setToolTip("")
        for line, text in ((self.title, title), (self.about, about), (self.note, note)):
            line.setText(text)
            line.setVisible(bool(text))
        self._main = main
        self.main.setText(Main.NOTHING if main is Main.DOWNLOAD else main)
        self.main.setEnabled(main is not Main.NOTHING)
        self.main.setVisible(not is_pulling)
        self.field.setEnabled(not is_pulling)
        for widget in (self.bar, self.stop):
            widget.setVisible(is_pulling)
        self.parts.hide()
        if is_pulling != self._is_pulling:
            self._is_pulling = is_pulling
            (self.stop if is_pulling else self.main).setFocus()

    def event(self, event: QEvent) -> bool:
        """Grows with its sentences: a dialog by itself does not ask how high wrapped text is."""
        handled = super().event(event)
        if event.type() == QEvent.Type.LayoutRequest:
            needed = self.column.totalHeightForWidth(self.width())
            if needed > self.height():
                self.resize(self.width(), needed)
        return handled

    # ---------------------------------------------------------------------------------- wishes

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter in the field is the field's: it looks first, and only then presses the button."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.field.hasFocus():
            return
        super().keyPressEvent(event)

    def _on_edit(self) -> None:
        # What was found is not what is written there now.
        self.main.setEnabled(False)
        self._pause.start()

    def _on_text(self, text: str) -> None:
        """Also when the field is cleared by its button."""
        if not text.strip():
            self._pause.stop()
            self.name_changed.emit("")

    def _tell_name(self) -> None:
        self._pause.stop()
        self.name_changed.emit(self.field.text().strip())

    def _on_return(self) -> None:
        if self._pause.isActive():
            self._tell_name()
        else:
            self._on_main()

    def _on_main(self) -> None:
        match self._main:
            case Main.DOWNLOAD:
                self.download_wished.emit()
            case Main.PULL:
                self.pull_wished.emit()
            case Main.TOKEN:
                self.token_wished.emit()
            case Main.USE:
                self.use_wished.emit()
            case Main.NOTHING:
                return
