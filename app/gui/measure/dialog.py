"""The dialog “Measure”: it shows what it is given and says what is wished for.

It blocks nothing: one may go on writing beside it, and close it while it measures.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QProgressBar,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.domain.benchmark import BenchPlan, BenchRecord
from app.domain.facts import BenchmarkState, BenchPhase
from app.domain.localmodel import LocalModel
from app.domain.slowness import Diagnosis
from app.gui.controls import TickBox, label, named, restyle, separator, styled, text_button
from app.gui.measure import words
from app.gui.measure.findings import Findings
from app.gui.measure.results import HistoryChart, SpeedTable
from app.gui.picker.sentences import facts_of
from app.gui.present.dialogs import Dialog
from app.gui.theme.keeper import ThemeKeeper
from app.gui.theme.tokens import SPACE_2, SPACE_3, SPACE_4, SPACE_6

_SIZE = (580, 720)
_ROWS_SHOWN = 4
_INTRODUCTION = (
    "How fast this model reads prompts and writes answers here, with an empty context and deep in "
    "a conversation. It takes about a minute; what is warm stays warm, and messages go first."
)
_OTHER_RUNS = "Another model is being measured."


class MeasureDialog(Dialog):
    """Runs, results, history and findings of one model."""

    measure_wished = Signal(object)
    """A `BenchPlan`."""
    cancel_wished = Signal()
    forget_wished = Signal(int)
    fix_wished = Signal(object)
    copy_wished = Signal(str)

    def __init__(self, parent: QWidget, theme: ThemeKeeper, model: LocalModel) -> None:
        super().__init__(parent, "Measure")
        self.setModal(False)
        self._model = model
        self._state = BenchmarkState()
        self._records: list[BenchRecord] = []
        self._shown: BenchRecord | None = None
        self._diagnosis: Diagnosis | None = None
        self._make_controls(theme)
        self._make_results(theme)
        self._make_history(theme)
        self._lay_out()
        self._wire()
        self.show_model(model)
        self.run.setFocus()
        room = parent.size()
        self.resize(min(_SIZE[0], room.width() - SPACE_6), min(_SIZE[1], room.height() - SPACE_6))

    def _make_controls(self, theme: ThemeKeeper) -> None:
        self.subject = label(wrap=True)
        self.subject.setObjectName("Subject")
        self.run = text_button("Measure", "Measure now", kind="primary")
        self.run.setDefault(True)
        self.stop = text_button("Cancel", "Cancel measurement")
        self.threads = TickBox(theme, "Find the best number of threads")
        self.thorough = TickBox(
            theme, "Take as long as it takes", "Leaves no depth out, and may take many minutes"
        )
        self.progress = named(QProgressBar(), "Measuring progress")
        self.progress.setTextVisible(False)
        self.progress.setRange(0, 1000)
        self.doing = _line("Measuring state")

    def _make_results(self, theme: ThemeKeeper) -> None:
        self.table = SpeedTable()
        self.terms = _line("Terms", tone="muted")
        self.notes = _line("Notes", tone="muted")
        self.comparison = _line("Comparison")
        self.findings = Findings(theme)

    def _make_history(self, theme: ThemeKeeper) -> None:
        self.chart = HistoryChart(theme)
        self.history = named(QListWidget(), "Measurements", "Delete removes the selected one")
        styled(self.history, kind="lines")
        self.history.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.forget = text_button("Delete", "Delete measurement")
        self.copy = text_button("Copy as text")

    def _lay_out(self) -> None:
        self._history_part = _part("Measurements", self.chart, self.history, _right(self.forget))
        self._findings_part = _part("Why is it slow?", self.findings)
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, SPACE_3, 0)
        column.setSpacing(SPACE_4)
        for widget in (self.subject, label(_INTRODUCTION, tone="muted", wrap=True)):
            column.addWidget(widget)
        column.addLayout(self._controls())
        self._progress_part = _stack(self.progress, self.doing)
        column.addWidget(self._progress_part)
        column.addWidget(_stack(self.table, self.comparison, self.terms, self.notes))
        column.addWidget(self._findings_part)
        column.addWidget(self._history_part)
        column.addStretch()
        scroll = named(QScrollArea(), "Measurement")
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(body)
        self.column.addWidget(scroll, 1)
        self.column.addWidget(separator())
        close = text_button("Close")
        close.clicked.connect(self.accept)
        self.add_buttons([self.copy, close])

    def _controls(self) -> QHBoxLayout:
        choices = QVBoxLayout()
        choices.setSpacing(SPACE_2)
        choices.addWidget(self.threads)
        choices.addWidget(self.thorough)
        row = QHBoxLayout()
        row.addLayout(choices, 1)
        row.addWidget(self.stop)
        row.addWidget(self.run)
        return row

    def _wire(self) -> None:
        self.copy.clicked.connect(self._on_copy)
        self.findings.fix_wished.connect(self.fix_wished)
        self.forget.clicked.connect(self._on_forget)
        self.history.currentRowChanged.connect(self._on_row)
        self.run.clicked.connect(lambda: self.measure_wished.emit(self.plan()))
        self.stop.clicked.connect(self.cancel_wished)
        delete = QShortcut(QKeySequence.StandardKey.Delete, self.history)
        delete.setContext(Qt.ShortcutContext.WidgetShortcut)
        delete.activated.connect(self._on_forget)

    # ------------------------------------------------------------------------------- content

    @property
    def model(self) -> LocalModel:
        """Which it is about."""
        return self._model

    def show_model(self, model: LocalModel) -> None:
        """Be about this one from now on; what is known of it is yet to be shown."""
        self._model = model
        self.subject.setText(f"{model.label} · {facts_of(model)}")
        self.show_state(BenchmarkState(path=model.path))
        self.show_records(())
        self.show_diagnosis(None)

    def plan(self) -> BenchPlan:
        """As the boxes are ticked."""
        plan = BenchPlan(try_threads=self.threads.isChecked())
        if self.thorough.isChecked():
            return BenchPlan(try_threads=plan.try_threads, seconds=0.0)
        return plan

    def show_state(self, state: BenchmarkState) -> None:
        """How the measurement goes."""
        other_runs = False
        if state.path and state.path != self._model.path:
            # Of another model only this matters: while it runs, none can be begun here.
            other_runs = state.is_running
            state = BenchmarkState(path=self._model.path)
        self._state = state
        running = state.is_running or other_runs
        # A button that goes away hands the focus on to its counterpart.
        had_focus = self.run.hasFocus() or self.stop.hasFocus()
        for widget in (self.run, self.threads, self.thorough):
            widget.setEnabled(not running)
        self.stop.setVisible(running)
        if had_focus:
            (self.stop if running else self.run).setFocus()
        self.progress.setVisible(state.is_running)
        self.progress.setValue(round(state.fraction * 1000))
        self.doing.setText(_OTHER_RUNS if other_runs else words.doing(state))
        self.doing.setVisible(bool(self.doing.text()))
        self._progress_part.setVisible(running or bool(self.doing.text()))
        restyle(self.doing, tone="danger" if state.phase is BenchPhase.FAILED else "muted")
        if state.is_running:
            self.table.show_speeds(state.speeds)
            self.table.setVisible(bool(state.speeds))
            for widget in (self.terms, self.notes, self.comparison):
                widget.hide()
        elif self._shown is not None:
            self._show_record(self._shown)

    def show_records(self, records: Sequence[BenchRecord]) -> None:
        """The history, the last one first, which is shown."""
        self._records = list(records)
        with QSignalBlocker(self.history):
            self.history.clear()
            for record in records:
                QListWidgetItem(words.row(record), self.history)
            self.history.setCurrentRow(0 if records else -1)
        rows = min(max(1, len(records)), _ROWS_SHOWN)
        self.history.setFixedHeight(rows * (self.history.sizeHintForRow(0) + 2) + SPACE_2)
        self._history_part.setVisible(bool(records))
        self._show_record(self._records[0] if records else None)

    def show_diagnosis(self, diagnosis: Diagnosis | None) -> None:
        """Why it is slow; None: nothing can be said yet."""
        self._diagnosis = diagnosis
        self._findings_part.setVisible(diagnosis is not None)
        if diagnosis is not None:
            self.findings.show_diagnosis(diagnosis)

    def _show_record(self, record: BenchRecord | None) -> None:
        self._shown = record
        self.forget.setEnabled(record is not None)
        self.copy.setEnabled(record is not None)
        self.chart.show_records(self._records, record)
        if self._state.is_running:
            return
        self.table.show_speeds(record.result.speeds if record else ())
        self.table.setVisible(record is not None)
        texts = ("", "", "")
        if record is not None:
            notes = filter(None, (words.threads_tried(record), words.left_out(record)))
            comparison = words.compared(record, self._records)
            texts = (words.terms(record), " ".join(notes), comparison)
        for widget, text in zip((self.terms, self.notes, self.comparison), texts, strict=True):
            widget.setText(text)
            widget.setVisible(bool(text))

    # -------------------------------------------------------------------------------- wishes

    def _on_row(self, row: int) -> None:
        if 0 <= row < len(self._records):
            self._show_record(self._records[row])

    def _on_forget(self) -> None:
        if self._shown is not None:
            self.forget_wished.emit(self._shown.id)

    def _on_copy(self) -> None:
        if self._shown is not None:
            # What was found belongs to the last measurement.
            is_last = self._shown is self._records[0]
            diagnosis = self._diagnosis if is_last else None
            text = words.as_text(self._model, self._shown, self.comparison.text(), diagnosis)
            self.copy_wished.emit(text)


def _line(name: str, tone: str = "") -> QLabel:
    made = label(tone=tone, wrap=True)
    made.setObjectName(name)
    made.hide()
    return made


def _stack(*widgets: QWidget) -> QWidget:
    box = QWidget()
    column = QVBoxLayout(box)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(SPACE_2)
    for widget in widgets:
        column.addWidget(widget)
    return box


def _right(button: QWidget) -> QWidget:
    box = QWidget()
    row = QHBoxLayout(box)
    row.setContentsMargins(0, 0, 0, 0)
    row.addStretch()
    row.addWidget(button)
    return box


def _part(title: str, *widgets: QWidget) -> QWidget:
    """Widgets under a heading, hidden until there is something to show."""
    heading = label(title)
    font = heading.font()
    font.setBold(True)
    heading.setFont(font)
    box = _stack(heading, *widgets)
    box.hide()
    return box
