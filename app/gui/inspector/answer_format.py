"""The form that answers are held to, and at once whether it can be used."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QSignalBlocker, QTimer, Signal

from app.domain.answer_format import grammar_of
from app.domain.errors import GrammarRefused
from app.domain.sampling import Sampling
from app.gui.controls import ChoiceBox, named
from app.gui.inspector.fields import FieldFrame
from app.gui.inspector.textfield import TextField
from app.gui.theme.keeper import ThemeKeeper

_HELP = (
    "Free text, JSON that follows a schema, or text that follows a GBNF grammar. "
    "The model cannot leave the form; an answer that is cut off by Max tokens is not complete."
)
_SCHEMA_HELP = "A JSON Schema. Every complete answer is JSON that it describes."
_GRAMMAR_HELP = "A grammar in llama.cpp's GBNF notation; the answer begins with its rule “root”."
_HEIGHT = 150
_PAUSE = 250
"""Milliseconds without a change before the text is checked."""

_FREE, _SCHEMA, _GRAMMAR = "", "json_schema", "grammar"


class AnswerFormatField(FieldFrame):
    """A choice, and below it the text it needs."""

    changed = Signal()

    def __init__(self, theme: ThemeKeeper) -> None:
        super().__init__(theme, "Answer format", _HELP)
        self.box = named(ChoiceBox(theme), "Answer format")
        self.box.setAccessibleDescription(_HELP)
        self.box.addItem("Free text", _FREE)
        self.box.addItem("JSON Schema", _SCHEMA)
        self.box.addItem("GBNF grammar", _GRAMMAR)
        self.column.addWidget(self.box)
        self._texts = {
            _SCHEMA: TextField(
                theme,
                "JSON Schema",
                _SCHEMA_HELP,
                height=_HEIGHT,
                placeholder='{"type": "object", "properties": {"name": {"type": "string"}}}',
            ),
            _GRAMMAR: TextField(
                theme,
                "Grammar",
                _GRAMMAR_HELP,
                height=_HEIGHT,
                placeholder='root ::= "yes" | "no"',
            ),
        }
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_PAUSE)
        self._timer.timeout.connect(self._check)
        for field in self._texts.values():
            self.column.addWidget(field)
            field.changed.connect(self._on_edit)
        self.box.currentIndexChanged.connect(self._on_edit)
        self.reset_wished.connect(lambda: self.box.setCurrentIndex(0))
        self._show_chosen()

    def show_sampling(self, sampling: Sampling) -> None:
        """Take the form without telling it as a change; a text not in force is kept for later."""
        chosen = _SCHEMA if sampling.json_schema else _GRAMMAR if sampling.grammar else _FREE
        with QSignalBlocker(self.box):
            self.box.setCurrentIndex(self.box.findData(chosen))
        self._texts[_SCHEMA].show_text(sampling.json_schema)
        self._texts[_GRAMMAR].show_text(sampling.grammar)
        self._show_chosen()
        self._check()

    def applied(self, sampling: Sampling) -> Sampling:
        """The same with the form that is chosen here."""
        given = {
            key: field.text if key == self._chosen else "" for key, field in self._texts.items()
        }
        return replace(sampling, json_schema=given[_SCHEMA], grammar=given[_GRAMMAR])

    @property
    def _chosen(self) -> str:
        return self.box.currentData()

    def _show_chosen(self) -> None:
        self.reset.setVisible(self._chosen != _FREE)
        for key, field in self._texts.items():
            field.setVisible(key == self._chosen)

    def _on_edit(self) -> None:
        self._show_chosen()
        self._timer.start()
        self.changed.emit()

    def _check(self) -> None:
        field = self._texts.get(self._chosen)
        if field is not None:
            field.show_note(_verdict(self.applied(Sampling())))


def _verdict(sampling: Sampling) -> str:
    """What can be said about the form before it is used."""
    try:
        form = grammar_of(sampling)
    except GrammarRefused as error:
        return f"{error.title} {error.detail}"
    if form is None:
        return "Empty: answers are free."
    if form.not_enforced:
        return f"Ready. Not enforced while writing: {', '.join(form.not_enforced)}."
    return "Ready."
