"""The panel on the right: system prompt, sampling, limits, context length."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QRegularExpression, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QRegularExpressionValidator
from PySide6.QtWidgets import QFrame, QLineEdit, QPlainTextEdit, QScrollArea, QVBoxLayout, QWidget

from app.domain.conversation import ChatParams
from app.domain.fit import Fit
from app.domain.generation import LoadedInfo
from app.domain.localmodel import LocalModel
from app.gui.controls import label, named, styled
from app.gui.inspector.advanced import AdvancedSampling
from app.gui.inspector.answer_format import AnswerFormatField
from app.gui.inspector.context import ContextField
from app.gui.inspector.fields import FieldFrame, NumberField, described
from app.gui.inspector.prompt_fields import PromptFields
from app.gui.theme.keeper import ThemeKeeper
from app.gui.theme.tokens import HEADER_HEIGHT, SPACE_3, SPACE_4

_PROMPT_HEIGHT = 112
_SEED_HELP = "The same seed and settings give the same answer; empty draws a new one each time."


class Inspector(QFrame):
    """Edits a `ChatParams` value; tells each change as a whole new value."""

    params_changed = Signal(object)
    context_changed = Signal()
    """Another context length is wished; told after `params_changed`."""
    reload_wished = Signal(object)
    """The context length to load with; None for the automatic one."""
    settings_wished = Signal()
    """Of the model, for all its conversations."""

    def __init__(self, theme: ThemeKeeper) -> None:
        super().__init__()
        self.setObjectName("Inspector")
        styled(self, ground="sidebar", edge="left")
        self._theme = theme
        self._params = ChatParams()
        self._defaults = ChatParams()
        self._filled = False
        self.setEnabled(False)

    def fill(self) -> None:
        """Make the fields, once.

        A third of the window's making is theirs, and folded away they can wait for the first paint.
        """
        if self._filled:
            return
        self._filled = True
        self._make_fields(self._theme)
        self._lay_out()
        self._wire()

    def _make_fields(self, theme: ThemeKeeper) -> None:
        what = described("system_prompt")
        self.prompt_frame = FieldFrame(theme, what.label, what.help)
        self.prompt = named(QPlainTextEdit(), what.label)
        self.prompt.setAccessibleDescription(what.help)
        self.prompt.setPlaceholderText("None")
        self.prompt.setTabChangesFocus(True)
        self.prompt.setFixedHeight(_PROMPT_HEIGHT)
        self.prompt.setAcceptDrops(False)
        self.prompt_frame.column.addWidget(self.prompt)
        self.temperature = NumberField(
            theme, described("temperature"), step=0.05, decimals=2, slider_high=2
        )
        self.top_p = NumberField(theme, described("top_p"), step=0.01, decimals=2, slider_high=1)
        self.min_p = NumberField(theme, described("min_p"), step=0.01, decimals=2, slider_high=1)
        self.top_k = NumberField(
            theme, described("top_k"), step=1, decimals=0, slider_high=200, zero_means="Off"
        )
        self.repeat_penalty = NumberField(
            theme, described("repeat_penalty"), step=0.01, decimals=2, slider_high=2
        )
        self.max_tokens = NumberField(
            theme, described("max_tokens"), step=64, decimals=0, zero_means="No limit"
        )
        self.seed_frame = FieldFrame(theme, "Seed", _SEED_HELP)
        self.seed = named(QLineEdit(), "Seed")
        self.seed.setAccessibleDescription(_SEED_HELP)
        self.seed.setPlaceholderText("Random")
        self.seed.setFixedWidth(self.max_tokens.spin.minimumWidth())
        self.seed.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.seed.setAcceptDrops(False)
        # llama.cpp's seeds have 32 bits, and the highest stands for "draw one".
        digits = QRegularExpression("[0-9]{0,9}")
        self.seed.setValidator(QRegularExpressionValidator(digits, self.seed))
        self.seed_frame.top.addWidget(self.seed)
        self.answer_format = AnswerFormatField(theme)
        self.context = ContextField(theme)
        self.prompting = PromptFields(theme)
        self.advanced = AdvancedSampling(theme)
        self.from_file = named(label(tone="muted", wrap=True, size=0.92), "From the model's file")
        self.from_file.hide()

    def _lay_out(self) -> None:
        sheet = QWidget()
        column = QVBoxLayout(sheet)
        column.setContentsMargins(SPACE_4, 0, SPACE_4, SPACE_4)
        column.setSpacing(SPACE_3)
        heading = label("This conversation")
        font = heading.font()
        font.setWeight(font.Weight.DemiBold)
        heading.setFont(font)
        heading.setFixedHeight(HEADER_HEIGHT)
        column.addWidget(heading)
        for field in self.fields():
            column.addWidget(field)
        column.insertWidget(column.indexOf(self.temperature), self.from_file)
        column.addWidget(self.advanced)
        column.addStretch()
        scroll = named(QScrollArea(), "Conversation settings")
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(sheet)
        styled(sheet, ground="sidebar")
        outer = QVBoxLayout(self)
        outer.setContentsMargins(1, 0, 0, 0)
        outer.addWidget(scroll)

    def fields(self) -> list[FieldFrame]:
        """All fields from top to bottom."""
        return [
            self.prompt_frame,
            self.prompting.thinking,
            self.prompting.effort,
            self.temperature,
            self.top_p,
            self.min_p,
            self.top_k,
            self.repeat_penalty,
            self.seed_frame,
            self.max_tokens,
            self.answer_format,
            self.context,
            self.prompting.overflow,
        ]

    def _wire(self) -> None:
        self.prompt.textChanged.connect(self._on_edit)
        self.seed.textChanged.connect(self._on_edit)
        for field in self._numbers():
            field.changed.connect(self._on_edit)
        self.answer_format.changed.connect(self._on_edit)
        for choice in self.prompting.all:
            choice.changed.connect(self._on_edit)
        self.advanced.changed.connect(self._on_edit)
        self.advanced.toggle.toggled.connect(self._show_order)
        self.context.changed.connect(self._on_edit)
        self.context.changed.connect(self.context_changed)
        self.context.reload_wished.connect(self.reload_wished)
        self.context.settings.clicked.connect(lambda: self.settings_wished.emit())
        self.prompt_frame.reset_wished.connect(self._reset_prompt)
        self.seed_frame.reset_wished.connect(self.seed.clear)

    def _numbers(self) -> list[NumberField]:
        return [field for field in self.fields() if isinstance(field, NumberField)]

    def take_focus(self) -> None:
        """Go to the first field."""
        if self._filled:
            self.prompt.setFocus()

    def show_params(self, params: ChatParams, defaults: ChatParams) -> None:
        """Show the settings of a conversation; nothing is told as a change."""
        self._params, self._defaults = params, defaults
        with QSignalBlocker(self.prompt):
            if self.prompt.toPlainText() != params.system_prompt:
                self.prompt.setPlainText(params.system_prompt)
        s, d = params.sampling, defaults.sampling
        self.temperature.show_value(s.temperature, d.temperature)
        self.top_p.show_value(s.top_p, d.top_p)
        self.min_p.show_value(s.min_p, d.min_p)
        self.top_k.show_value(s.top_k, d.top_k)
        self.repeat_penalty.show_value(s.repeat_penalty, d.repeat_penalty)
        self.max_tokens.show_value(params.max_tokens or 0, defaults.max_tokens or 0)
        with QSignalBlocker(self.seed):
            self.seed.setText("" if s.seed is None else str(s.seed))
        self.answer_format.show_sampling(s)
        self.advanced.show_values(s, d, params.stop)
        self._show_order()
        self.context.show_length(params.context_length)
        self.prompting.show_params(params, defaults)
        self._show_resets()
        self.setEnabled(True)

    def show_model(
        self, chosen: LocalModel | None, info: LoadedInfo | None, usual: int, *, is_set: bool
    ) -> None:
        """The bounds of the context length, and whether what is loaded has another one; see
        `ContextField.show_model`."""
        self.context.show_model(chosen, info, usual, is_set=is_set)
        self.prompting.show_model(info)

    def show_fit(self, fit: Fit | None, largest: int) -> None:
        """What the context length takes of memory; at most `largest` tokens would fit."""
        self.context.show_fit(fit, largest)

    def show_defaults(self, defaults: ChatParams, from_file: tuple[str, ...]) -> None:
        """Where a reset leads now; `from_file` names what the model's file recommends of it."""
        self.from_file.setVisible(bool(from_file))
        names = ", ".join(described(name).label.lower() for name in from_file)
        self.from_file.setText(f"Defaults from the model's file: {names}.")
        if defaults != self._defaults and self.isEnabled():
            self.show_params(self._params, defaults)

    def params(self) -> ChatParams:
        """What the fields say."""
        sampling = replace(
            self._params.sampling,
            repeat_penalty=self.repeat_penalty.value(),
            top_k=round(self.top_k.value()),
            top_p=self.top_p.value(),
            min_p=self.min_p.value(),
            temperature=self.temperature.value(),
            seed=int(self.seed.text()) if self.seed.text() else None,
        )
        sampling = self.advanced.applied(self.answer_format.applied(sampling))
        return replace(
            self.prompting.applied(self._params),
            system_prompt=self.prompt.toPlainText(),
            sampling=sampling,
            max_tokens=round(self.max_tokens.value()) or None,
            context_length=self.context.length(),
            stop=self.advanced.stops,
        )

    def _on_edit(self, *_: object) -> None:
        self._params = self.params()
        self._show_resets()
        self._show_order()
        self.params_changed.emit(self._params)

    def _show_order(self, *_: object) -> None:
        self.advanced.show_order(self._params.sampling)

    def _reset_prompt(self) -> None:
        self.prompt.setPlainText(self._defaults.system_prompt)

    def _show_resets(self) -> None:
        prompt_differs = self.prompt.toPlainText() != self._defaults.system_prompt
        self.prompt_frame.reset.setVisible(prompt_differs)
        self.seed_frame.reset.setVisible(bool(self.seed.text()))
