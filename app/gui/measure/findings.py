"""Why a model is slow: a card for each finding, with the button that helps."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from app.domain.slowness import Diagnosis, Finding, fix_label
from app.gui.controls import Sign, label, named, styled, text_button
from app.gui.theme.keeper import ThemeKeeper
from app.gui.theme.tokens import SPACE_2, SPACE_3


class Findings(QWidget):
    """The findings, the heaviest first, and what sets the pace."""

    fix_wished = Signal(object)
    """The `Fix` of the finding whose button was pressed."""

    def __init__(self, theme: ThemeKeeper) -> None:
        super().__init__()
        named(self, "Why is it slow?")
        self._theme = theme
        self._cards: list[QFrame] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(SPACE_2)
        self._limit = label(tone="muted", wrap=True)
        self._limit.setObjectName("Limit")
        self._column.addWidget(self._limit)

    def show_diagnosis(self, diagnosis: Diagnosis) -> None:
        """Show it in the place of what was there."""
        for card in self._cards:
            self._column.removeWidget(card)
            card.hide()
            card.deleteLater()
        self._cards = [self._card(finding) for finding in diagnosis.findings]
        for place, card in enumerate(self._cards):
            self._column.insertWidget(place, card)
        self._limit.setText(diagnosis.limit)

    def _card(self, finding: Finding) -> QFrame:
        card = styled(named(QFrame(), f"Finding: {finding.cause.value}"), ground="card")
        card.setAccessibleDescription(f"{finding.sentence} {finding.evidence}")
        words = QVBoxLayout()
        words.setSpacing(SPACE_2)
        words.addWidget(label(finding.sentence, wrap=True))
        words.addWidget(label(finding.evidence, tone="muted", wrap=True, size=0.92))
        button = text_button(fix_label(finding.fix))
        button.setAccessibleDescription(finding.sentence)
        button.clicked.connect(lambda: self.fix_wished.emit(finding.fix))
        below = QHBoxLayout()
        below.addStretch()
        below.addWidget(button)
        words.addLayout(below)
        sign = QVBoxLayout()
        sign.addWidget(Sign(self._theme.icon("triangle-alert", "accent"), 18))
        sign.addStretch()
        row = QHBoxLayout(card)
        row.setContentsMargins(SPACE_3, SPACE_3, SPACE_3, SPACE_3)
        row.setSpacing(SPACE_3)
        row.addLayout(sign)
        row.addLayout(words, 1)
        return card
