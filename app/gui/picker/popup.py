"""The popup of the button `Model`: known models, the state of the chosen one, opening a file.

A child of the window and not a window of its own: round corners and the shadow then need no
compositor, and it stays inside a narrow window.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QPoint, QRect, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QGraphicsDropShadowEffect,
    QHBoxLayout,
    QLayout,
    QLineEdit,
    QProgressBar,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.domain.facts import ModelPhase, ModelState
from app.domain.fit import Fit
from app.domain.generation import LoadedInfo
from app.domain.localmodel import LocalModel
from app.gui.controls import label, named, separator, styled, text_button
from app.gui.picker.row import ModelRow
from app.gui.picker.sentences import facts_of, long_state, memory_lines
from app.gui.theme.keeper import ThemeKeeper
from app.gui.theme.tokens import SPACE_1, SPACE_2, SPACE_3

_WIDTH = 420
_LIST_HEIGHT = 264
_ROWS = 30
"""A row is a widget of many parts: hundreds of them would be felt. The others are typed for."""
_FILTERED_FROM = 9
"""So many models do not fit at once."""


class ModelPopup(QFrame):
    """Shows what it is given and says what is wished for."""

    choose_wished = Signal(str)
    forget_wished = Signal(str)
    load_wished = Signal()
    unload_wished = Signal(str)
    """The path of a model; empty for the chosen one."""
    settings_wished = Signal(str)
    cancel_wished = Signal()
    find_wished = Signal()
    open_file_wished = Signal()
    measure_wished = Signal()
    quantise_wished = Signal()
    memory_wished = Signal()
    filtered = Signal()
    """Other models have rows than before."""
    opened = Signal()
    closed = Signal()

    def __init__(self, theme: ThemeKeeper, window: QWidget, button: QWidget) -> None:
        super().__init__(window)
        named(self, "Choose the model")
        styled(self, ground="card")
        self._theme = theme
        self._window = window
        self._button = button
        self._models: tuple[LocalModel, ...] = ()
        self._rows: list[ModelRow] = []
        self._state = ModelState()
        shadow = QGraphicsDropShadowEffect(self)
        shadow.setBlurRadius(32)
        shadow.setOffset(0, 6)
        shadow.setColor(QColor(0, 0, 0, 70))
        self.setGraphicsEffect(shadow)
        self._make_list()
        self._make_state()
        self._find = text_button("Find more models…", "Find more models", kind="row")
        self._find.setIcon(theme.icon("search", "muted"))
        self._open = text_button("Open model file…", "Open model file", kind="row")
        self._open.setIcon(theme.icon("folder-open", "muted"))
        self._measure = text_button("Measure…", "Measure", kind="row")
        self._measure.setIcon(theme.icon("gauge", "muted"))
        self._quantise = text_button("Make smaller…", "Make smaller", kind="row")
        self._quantise.setIcon(theme.icon("shrink", "muted"))
        self._memory = text_button("Memory and disk…", "Memory and disk", kind="row")
        self._memory.setIcon(theme.icon("sliders-horizontal", "muted"))
        self._lay_out()
        self._wire()
        self.hide()

    def _make_list(self) -> None:
        self._filter = named(QLineEdit(), "Filter models")
        self._filter.setPlaceholderText("Filter models")
        self._filter.setClearButtonEnabled(True)
        self._filter.hide()
        self._rest = label(tone="muted")
        self._rest.setObjectName("Models not shown")
        self._rest.hide()
        self._inside = QWidget()
        self._list = QVBoxLayout(self._inside)
        self._list.setContentsMargins(0, 0, 0, 0)
        self._list.setSpacing(1)
        self._list.setSizeConstraint(QLayout.SizeConstraint.SetMinAndMaxSize)
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setWidget(self._inside)

    def _make_state(self) -> None:
        self._sentence = label(wrap=True)
        self._sentence.setObjectName("Model sentence")
        self._remedy = label(tone="muted", wrap=True)
        self._remedy.setObjectName("Model remedy")
        self._progress = named(QProgressBar(), "Load progress")
        self._progress.setTextVisible(False)
        self._progress.setRange(0, 1000)
        self._load = text_button("Load now", "Load")
        self._unload = text_button("Unload")
        self._cancel = text_button("Cancel", "Cancel load")

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.addStretch()
        for button in (self._load, self._unload, self._cancel):
            buttons.addWidget(button)
        state = QVBoxLayout()
        state.setContentsMargins(SPACE_2, SPACE_1, SPACE_2, SPACE_1)
        state.setSpacing(SPACE_2)
        state.addWidget(self._sentence)
        state.addWidget(self._progress)
        state.addWidget(self._remedy)
        state.addLayout(buttons)
        column = self._column = QVBoxLayout(self)
        column.setContentsMargins(SPACE_2, SPACE_2, SPACE_2, SPACE_2)
        column.setSpacing(SPACE_2)
        column.addWidget(self._filter)
        column.addWidget(self._scroll)
        column.addWidget(self._rest)
        column.addWidget(separator())
        column.addLayout(state)
        column.addWidget(separator())
        column.addWidget(self._measure)
        column.addWidget(self._quantise)
        column.addWidget(self._memory)
        column.addWidget(self._find)
        column.addWidget(self._open)

    def _wire(self) -> None:
        self._filter.textChanged.connect(self._on_filter)
        self._load.clicked.connect(self.load_wished)
        self._unload.clicked.connect(lambda: self.unload_wished.emit(""))
        self._cancel.clicked.connect(self.cancel_wished)
        self._measure.clicked.connect(self._on_measure)
        self._quantise.clicked.connect(self._on_quantise)
        self._memory.clicked.connect(self._on_memory)
        self._find.clicked.connect(self._on_find)
        self._open.clicked.connect(self._on_open_file)

    # ------------------------------------------------------------------------------- content

    def show_models(self, models: Sequence[LocalModel]) -> None:
        """List these models, or those of them that are typed for."""
        self._models = tuple(models)
        self._filter.setVisible(len(models) >= _FILTERED_FROM)
        if not self._filter.isVisibleTo(self):
            self._filter.clear()
        self._show_rows()

    @property
    def listed(self) -> tuple[LocalModel, ...]:
        """The models that have a row."""
        words = self._filter.text().casefold().split()
        path = self._state.model.path if self._state.model else None
        fitting = [model for model in self._models if _has(model, words)]
        if len(fitting) > _ROWS:
            # The one that answers is always among them; sorting keeps the order of the others.
            fitting.sort(key=lambda model: model.path != path)
        return tuple(fitting[:_ROWS])

    def _on_filter(self) -> None:
        self._show_rows()
        self.filtered.emit()

    def _show_rows(self) -> None:
        models = self.listed
        words = self._filter.text().casefold().split()
        left = sum(_has(model, words) for model in self._models) - len(models)
        self._rest.setText(f"{left:,} more: type a part of the name.")
        self._rest.setVisible(left > 0)
        self._make_rows()
        self._mark_current()
        self._fit()

    def _make_rows(self) -> None:
        for row in self._rows:
            self._list.removeWidget(row)
            row.hide()
            row.deleteLater()
        self._rows = [ModelRow(self._theme, model) for model in self.listed]
        for row in self._rows:
            row.chosen.connect(self.choose_wished)
            row.forget_wished.connect(self.forget_wished)
            row.settings_wished.connect(self._on_settings)
            row.unload_wished.connect(self.unload_wished)
            self._list.addWidget(row)

    def show_loaded(self, loaded: Sequence[LoadedInfo]) -> None:
        """Say which models are in memory."""
        infos = {info.path: info for info in loaded}
        for row in self._rows:
            row.show_loaded(infos.get(row.path))

    def show_fits(self, fits: Mapping[str, Fit | None]) -> None:
        """Say of each model, by its path, whether it fits into memory."""
        for row in self._rows:
            row.show_fit(fits.get(row.path))

    def show_state(self, state: ModelState) -> None:
        """What the engine has of the chosen model."""
        self._state = state
        phase = state.phase
        self._sentence.setText(long_state(state))
        self._sentence.setToolTip(memory_lines(state.info) if state.info else "")
        remedy = state.error.remedy if state.error else ""
        self._remedy.setText(remedy)
        self._remedy.setVisible(bool(remedy))
        self._progress.setVisible(phase is ModelPhase.LOADING)
        self._progress.setValue(round(state.fraction * 1000))
        self._load.setVisible(phase in (ModelPhase.CHOSEN, ModelPhase.FAILED))
        self._load.setText("Try again" if phase is ModelPhase.FAILED else "Load now")
        self._unload.setVisible(phase is ModelPhase.READY)
        self._cancel.setVisible(phase is ModelPhase.LOADING)
        self._measure.setVisible(phase is not ModelPhase.NONE)
        self._quantise.setVisible(phase is not ModelPhase.NONE)
        self._mark_current()
        self._fit()

    def _mark_current(self) -> None:
        path = self._state.model.path if self._state.model else None
        if len(self._models) > len(self._rows) and path not in {row.path for row in self._rows}:
            self._make_rows()
        for row in self._rows:
            row.set_current(row.path == path)

    # ------------------------------------------------------------------------- opening, closing

    def toggle(self) -> None:
        """Open below the button, or close."""
        if self.isVisible():
            self.close_up()
            return
        self.opened.emit()
        self.show()
        self._fit()
        self.raise_()
        # Of the whole application: a click anywhere else closes it.
        _application().installEventFilter(self)
        current = [row for row in self._rows if row.is_current] or self._rows
        (current[0].main if current else self._open).setFocus(Qt.FocusReason.PopupFocusReason)

    def close_up(self) -> None:
        """Close; the focus is the window's again."""
        if self.isVisible():
            self.hide()
            self._filter.clear()
            _application().removeEventFilter(self)
            self.closed.emit()

    def _on_settings(self, path: str) -> None:
        self.close_up()
        self.settings_wished.emit(path)

    def _on_measure(self) -> None:
        self.close_up()
        self.measure_wished.emit()

    def _on_quantise(self) -> None:
        self.close_up()
        self.quantise_wished.emit()

    def _on_memory(self) -> None:
        self.close_up()
        self.memory_wished.emit()

    def _on_find(self) -> None:
        self.close_up()
        self.find_wished.emit()

    def _on_open_file(self) -> None:
        self.close_up()
        self.open_file_wished.emit()

    def _fit(self) -> None:
        """Take the size of the content and a place below the button, inside the window."""
        if not self.isVisible():
            return
        window = self._window
        rows = sum(row.sizeHint().height() + 1 for row in self._rows)
        self._scroll.setFixedHeight(min(max(rows, 1), _LIST_HEIGHT))
        self._scroll.setVisible(bool(self._rows))
        width = min(_WIDTH, window.width() - 2 * SPACE_3)
        self.setFixedWidth(width)
        self._column.invalidate()
        self._column.activate()
        height = self._column.totalHeightForWidth(width)
        below = self._button.mapTo(window, QPoint(self._button.width(), self._button.height()))
        left = max(SPACE_3, min(below.x() - width, window.width() - width - SPACE_3))
        self.setGeometry(QRect(left, below.y() + SPACE_1, width, height))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QMouseEvent) and event.type() == QEvent.Type.MouseButtonPress:
            at = event.globalPosition().toPoint()
            on_button = self._button.rect().contains(self._button.mapFromGlobal(at))
            if not self.rect().contains(self.mapFromGlobal(at)) and not on_button:
                self.close_up()
        elif event.type() == QEvent.Type.Resize and watched is self._window:
            self._fit()
        return False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        match event.key():
            case Qt.Key.Key_Down:
                self.focusNextChild()
            case Qt.Key.Key_Up:
                self.focusPreviousChild()
            case _ if (
                event.text().isprintable() and event.text().strip() and self._filter.isVisible()
            ):
                self._filter.setFocus(Qt.FocusReason.ShortcutFocusReason)
                self._filter.insert(event.text())
            case _:
                super().keyPressEvent(event)

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Tab goes round inside the popup while it is open."""
        ring = [w for w in self.findChildren(QWidget) if _takes_tab(w)]
        if not ring:
            return False
        focus = QApplication.focusWidget()
        at = ring.index(focus) if focus in ring else -1
        following = ring[(at + (1 if forward else -1)) % len(ring)]
        following.setFocus(Qt.FocusReason.TabFocusReason)
        return True


def _application() -> QCoreApplication:
    application = QApplication.instance()
    assert application is not None
    return application


def _has(model: LocalModel, words: Sequence[str]) -> bool:
    """Whether all words occur in what the row says."""
    said = f"{model.label} {facts_of(model)} {model.facts.architecture}".casefold()
    return all(word in said for word in words)


def _takes_tab(widget: QWidget) -> bool:
    takes = bool(widget.focusPolicy() & Qt.FocusPolicy.TabFocus)
    return takes and widget.isVisible() and widget.isEnabled()
