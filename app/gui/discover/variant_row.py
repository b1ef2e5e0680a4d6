"""A variant on a repository's page: what it is, whether it fits, and its download in place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal, SignalInstance
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from app.domain.transfer import Transfer, TransferPhase
from app.gui.controls import (
    ElidedLabel,
    Sign,
    icon_button,
    label,
    named,
    restyle,
    styled,
    text_button,
)
from app.gui.discover import words
from app.gui.downloads.words import can_resume, is_going, progress_line, trouble_text
from app.gui.theme.tokens import SPACE_1, SPACE_2, SPACE_3

if TYPE_CHECKING:
    from app.domain.fit import Verdict
    from app.gui.theme.keeper import ThemeKeeper

_HEIGHT = 48
_STEPS = 1000


@dataclass(frozen=True, slots=True)
class Holding:
    """What this computer has of a variant."""

    path: str = ""
    """Where it lies, complete; empty: nowhere."""
    transfer: Transfer | None = None
    """Its download, unless that has ended well."""


class VariantRow(QWidget):
    """Says what is wished for; `path` names the variant."""

    closer_wished = Signal(str)
    """Show (or hide again) what it takes of memory."""
    download_wished = Signal(str)
    use_wished = Signal(str)
    """The model that lies there."""
    pause_wished = Signal(str)
    """The transfer of this id; so are the following."""
    resume_wished = Signal(str)
    cancel_wished = Signal(str)

    def __init__(
        self,
        theme: ThemeKeeper,
        path: str,
        name: str,
        facts: tuple[str, str],
        *,
        recommended: bool,
    ) -> None:
        """`facts`: in full, and shorter."""
        super().__init__()
        self.path = path
        self.recommended = recommended
        self._name = name
        self._facts, self._short_facts = facts
        self._verdict: Verdict | None = None
        self._holding = Holding()
        self.main = styled(named(QPushButton(), self._name), kind="row")
        self.main.setFixedHeight(_HEIGHT)
        self.main.setMinimumWidth(120)
        self.main.setCheckable(True)
        self.main.setToolTip("What it takes of memory; reads the beginning of the file")
        self.badge = label(size=0.92)
        self.badge.setObjectName("Fit")
        self._fold = Sign(theme.icon("chevron-down", "muted"), 16)
        self.download = text_button("Download", f"Download {self._name}")
        self.use = text_button("Use it", f"Use {self._name}", kind="primary")
        self._make_progress(theme)
        self._lay_out()
        self._wire()
        if recommended:
            restyle(self.download, kind="primary")
        self.show_holding(Holding())

    def _make_progress(self, theme: ThemeKeeper) -> None:
        self.bar = named(QProgressBar(), f"Progress of {self._name}")
        self.bar.setTextVisible(False)
        self.bar.setRange(0, _STEPS)
        self.sentence = label(tone="muted", wrap=True)
        self.sentence.setObjectName("Download sentence")
        self.pause = icon_button(theme, "pause", f"Pause {self._name}", "Pause")
        self.resume = icon_button(theme, "play", f"Resume {self._name}", "Go on")
        self.cancel = icon_button(
            theme, "x", f"Cancel {self._name}", "Cancel, and delete what has come"
        )
        self._progress = QWidget()

    def _lay_out(self) -> None:
        title = label(self._name)
        font = title.font()
        font.setWeight(font.Weight.DemiBold)
        title.setFont(font)
        self._mark = label("recommended", tone="warning", size=0.92)
        head = QHBoxLayout()
        head.setSpacing(SPACE_2)
        head.addWidget(title)
        head.addWidget(self._mark)
        head.addStretch()
        detail = styled(ElidedLabel(), tone="muted")
        detail.set_full_text(self._facts, self._short_facts)
        inside = QVBoxLayout()
        inside.setSpacing(0)
        inside.addLayout(head)
        inside.addWidget(detail)
        row = QHBoxLayout(self.main)
        row.setContentsMargins(SPACE_2, SPACE_1, SPACE_2, SPACE_1)
        row.setSpacing(SPACE_2)
        row.addLayout(inside, 1)
        row.addWidget(self.badge)
        row.addWidget(self._fold)
        self._mark.setVisible(self.recommended)
        for child in (title, self._mark, detail, self.badge, self._fold):
            child.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        line = QHBoxLayout()
        line.setSpacing(SPACE_2)
        line.addWidget(self.main, 1)
        line.addWidget(self.download)
        line.addWidget(self.use)
        self._lay_out_progress()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(line)
        column.addWidget(self._progress)

    def _lay_out_progress(self) -> None:
        line = QHBoxLayout()
        line.setSpacing(SPACE_1)
        line.addWidget(self.sentence, 1)
        for button in (self.pause, self.resume, self.cancel):
            line.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout(self._progress)
        column.setContentsMargins(SPACE_2, 0, 0, SPACE_3)
        column.setSpacing(SPACE_1)
        column.addLayout(line)
        column.addWidget(self.bar)

    def _wire(self) -> None:
        self.main.clicked.connect(lambda: self.closer_wished.emit(self.path))
        self.download.clicked.connect(lambda: self.download_wished.emit(self.path))
        self.use.clicked.connect(lambda: self.use_wished.emit(self._holding.path))
        self.pause.clicked.connect(lambda: self._emit(self.pause_wished))
        self.resume.clicked.connect(lambda: self._emit(self.resume_wished))
        self.cancel.clicked.connect(lambda: self._emit(self.cancel_wished))

    def _emit(self, signal: SignalInstance) -> None:
        transfer = self._holding.transfer
        if transfer is not None:
            signal.emit(transfer.transfer_id)

    # ------------------------------------------------------------------------------- content

    def show_verdict(self, verdict: Verdict | None) -> None:
        """Whether it fits into this machine's memory."""
        self._verdict = verdict
        self._show_badge()

    def show_holding(self, holding: Holding) -> None:
        """What this computer has of it."""
        self._holding = holding
        transfer = holding.transfer
        self.download.setVisible(not holding.path and transfer is None)
        self.use.setVisible(bool(holding.path))
        self._progress.setVisible(transfer is not None)
        if transfer is not None:
            self._show_transfer(transfer)
        self._show_badge()

    def set_open(self, is_open: bool) -> None:
        """Whether what it takes is shown below it."""
        self.main.setChecked(is_open)

    def _show_transfer(self, transfer: Transfer) -> None:
        total = max(1, transfer.request.total_bytes)
        self.bar.setValue(min(_STEPS, transfer.done_bytes * _STEPS // total))
        said = (progress_line(transfer), trouble_text(transfer))
        self.sentence.setText("\n".join(filter(None, said)))
        bad = transfer.phase in (TransferPhase.FAILED, TransferPhase.UNUSABLE)
        tone = "danger" if bad else "muted"
        if self.sentence.property("tone") != tone:
            restyle(self.sentence, tone=tone)
        self.pause.setVisible(is_going(transfer))
        self.resume.setVisible(can_resume(transfer))

    def _show_badge(self) -> None:
        here = bool(self._holding.path)
        text = "on this computer" if here else words.verdict_text(self._verdict)
        if text != self.badge.text():
            self.badge.setText(text)
            restyle(self.badge, tone="success" if here else words.tone_of(self._verdict))
        spoken = ("recommended" if self.recommended else "", self._facts, text)
        self.main.setAccessibleDescription(", ".join(filter(None, spoken)))
