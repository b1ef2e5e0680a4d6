"""The dialog “Make smaller”: it shows what it is given and says what is wished for."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QProgressBar, QWidget

from app.domain.library_errors import ResultExists
from app.domain.quantise import QuantiseOptions, QuantisePhase, QuantiseRequest, QuantiseState
from app.gui.controls import ElidedLabel, TickBox, label, named, restyle, text_button
from app.gui.present.dialogs import Dialog
from app.gui.quantise import words
from app.gui.quantise.choices import Choices
from app.gui.theme.keeper import ThemeKeeper
from app.gui.theme.tokens import SPACE_2, SPACE_6

_SIZE = (660, 640)


class QuantiseDialog(Dialog):
    """About one model; blocks nothing, so one may go on writing beside it."""

    begin_wished = Signal(object)
    """A `QuantiseRequest`."""
    cancel_wished = Signal()
    target_chosen = Signal(str)
    use_wished = Signal(str)
    """The path of the result."""

    def __init__(self, parent: QWidget, theme: ThemeKeeper) -> None:
        super().__init__(parent, "Make smaller")
        self.setModal(False)
        self._options: QuantiseOptions | None = None
        self._state = QuantiseState()
        self._result = ""
        self._make_parts(theme)
        self._lay_out()
        self._wire()
        self._show_possible()
        room = parent.window().size()
        width, height = room.width() - SPACE_6, room.height() - SPACE_6
        self.resize(min(_SIZE[0], width), min(_SIZE[1], height))

    def _make_parts(self, theme: ThemeKeeper) -> None:
        self.subject = label(words.LOOKING, wrap=True)
        self.subject.setObjectName("Subject")
        self.choices = Choices(theme)
        self.warning = label(words.AGAIN_WARNING, tone="warning", wrap=True)
        self.warning.setObjectName("Warning")
        self.again = TickBox(theme, words.AGAIN)
        self.place = ElidedLabel()
        self.place.setObjectName("Result")
        self.change = text_button("Change…", "Change where the result goes")
        self.progress = named(QProgressBar(), "Progress")
        self.progress.setTextVisible(False)
        self.progress.setRange(0, 1000)
        self.doing = label(wrap=True)
        self.doing.setObjectName("State")
        self.close_button = text_button("Close")
        self.stop = text_button("Stop", "Stop making it smaller")
        self.replace = text_button("Replace the file")
        self.use = text_button("Use it", "Use the result", kind="primary")
        self.begin = text_button("Make smaller", "Begin", kind="primary")

    def _lay_out(self) -> None:
        where = QHBoxLayout()
        where.setSpacing(SPACE_2)
        where.addWidget(label("Into", tone="muted"))
        where.addWidget(self.place, 1)
        where.addWidget(self.change)
        self.column.addWidget(self.subject)
        self.column.addWidget(label(words.INTRODUCTION, tone="muted", wrap=True))
        self.column.addWidget(self.choices, 1)
        self.column.addStretch()
        self.column.addWidget(self.warning)
        self.column.addWidget(self.again)
        self.column.addLayout(where)
        self.column.addWidget(self.progress)
        self.column.addWidget(self.doing)
        self.add_buttons([self.close_button, self.stop, self.replace, self.use, self.begin])

    def _wire(self) -> None:
        self.again.toggled.connect(self._show_possible)
        self.begin.clicked.connect(lambda: self._begin(replace=False))
        self.change.clicked.connect(self._ask_for_place)
        self.choices.chosen.connect(self.target_chosen)
        self.close_button.clicked.connect(self.reject)
        self.replace.clicked.connect(lambda: self._begin(replace=True))
        self.stop.clicked.connect(self.cancel_wished)
        self.use.clicked.connect(lambda: self.use_wished.emit(self._state.result_path))

    # ------------------------------------------------------------------------------- content

    def show_options(self, options: QuantiseOptions) -> None:
        """What the model can become."""
        self._options = options
        self.subject.setText(words.subject(options))
        self.choices.show_options(options)
        if not options.options:
            self.subject.setText(f"{words.subject(options)}\n{words.NOTHING_SMALLER}")
        self._show_possible()
        self._shrink()
        self.choices.setFocus()

    def _shrink(self) -> None:
        """No higher than what it shows, so that nothing gapes below a short list."""
        self.column.activate()
        needed = self.column.totalHeightForWidth(self.width())
        self.resize(self.width(), min(self.height(), needed))

    def show_failure(self, title: str, remedy: str) -> None:
        """That the model cannot be looked at."""
        self.subject.setText("\n".join(filter(None, (title, remedy))))
        restyle(self.subject, tone="danger")

    def show_result_path(self, path: str) -> None:
        """Where the result would go."""
        self._result = path
        self.place.set_full_text(path, Path(path).name)

    def show_state(self, state: QuantiseState) -> None:
        """How a job goes."""
        self._state = state
        self.progress.setValue(round(state.fraction * 1000))
        self.doing.setText(words.doing(state))
        self.doing.setToolTip(state.error.detail if state.error is not None else "")
        restyle(self.doing, tone="danger" if state.phase is QuantisePhase.FAILED else "")
        self._show_possible()

    def _show_possible(self) -> None:
        running, options = self._state.is_running, self._options
        done = self._state.phase is QuantisePhase.DONE
        quantised = options is not None and options.is_quantised and bool(options.options)
        ready = options is not None and bool(options.options) and not running
        exists = isinstance(self._state.error, ResultExists) and not running
        had_focus = any(button.hasFocus() for button in (self.begin, self.stop, self.use))
        self.warning.setVisible(quantised and not running and not done)
        self.again.setVisible(quantised and not running and not done)
        self.progress.setVisible(running)
        self.doing.setVisible(bool(self.doing.text()))
        self.stop.setVisible(running)
        self.use.setVisible(done)
        self.replace.setVisible(exists)
        self.begin.setVisible(not running and not done)
        self.begin.setEnabled(ready and (not quantised or self.again.isChecked()))
        self.change.setEnabled(ready and not done)
        self.choices.setEnabled(ready and not done)
        if had_focus:
            wanted = self.stop if running else self.use if done else self.begin
            wanted.setFocus(Qt.FocusReason.OtherFocusReason)

    # -------------------------------------------------------------------------------- wishes

    def _begin(self, *, replace: bool) -> None:
        if self._options is not None and self.choices.target:
            self.begin_wished.emit(
                QuantiseRequest(
                    self._options.path,
                    self._result,
                    self.choices.target,
                    again=self.again.isChecked(),
                    replace=replace,
                )
            )

    def _ask_for_place(self) -> None:
        dialog = QFileDialog(self, "Where the smaller model goes", self._result, "Models (*.gguf)")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        # What is there is asked about when the name is needed, in one place.
        dialog.setOption(QFileDialog.Option.DontConfirmOverwrite)
        dialog.setDefaultSuffix("gguf")
        dialog.fileSelected.connect(self.show_result_path)
        dialog.open()
